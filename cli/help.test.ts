import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { dashed, flagFor } from './flags.ts'
import { program } from './program.ts'
import { run, tidemark } from './testing/binary.ts'
import { nameOf } from './usage/command.ts'
import { COMMANDS } from './usage/index.ts'

test('the help of each command names it, its flags and their defaults', async () => {
  for (const command of COMMANDS) {
    const { status, stdout, stderr } = await tidemark([nameOf(command), '--help'])
    assert.is(status, 0)
    assert.is(stderr, '')
    assert.ok(stdout.startsWith(`tidemark ${nameOf(command)}`), stdout)
    for (const key of command.flags) {
      const { fallback } = flagFor(key)
      assert.ok(stdout.includes(`--${dashed(key)} `), `--${dashed(key)} of ${nameOf(command)}`)
      if (fallback !== undefined) assert.ok(stdout.replace(/\s+/g, ' ').includes(`[${fallback}]`), fallback)
    }
  }
})

test('every command can be parsed without being run', async () => {
  for (const command of COMMANDS) {
    const help = await program([nameOf(command)], () => undefined).getHelp()
    assert.ok(help.includes(command.describe))
  }
})

test('version and no command', async () => {
  const version = await tidemark(['--version'])
  assert.is(version.status, 0)
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  const none = await tidemark([])
  assert.is(none.status, 2)
  assert.match(none.stderr, /needs a command\. Commands: estimate/)
})

test('completion is a script that bash takes', async () => {
  const { stdout } = await tidemark(['completion', 'bash'])
  const checked = await run('bash', ['-n'], { input: stdout })
  assert.is(checked.status, 0, checked.stderr)
  assert.match(stdout, /--target-modules/)
  assert.match(stdout, /--tp/)
  for (const shell of ['zsh', 'fish']) assert.match((await tidemark(['completion', shell])).stdout, /tidemark/)
})

test('models: list, show, check, schema, explain', async () => {
  const list = JSON.parse((await tidemark(['models', 'list', '--json'])).stdout)
  assert.ok(list.models.some((m: { name: string }) => m.name === 'llama-2-7b'))
  assert.match((await tidemark(['models', 'show', 'llama-2-7b'])).stdout, /hidden +4096 +catalog: hidden_size/)
  assert.match((await tidemark(['models', 'check', 'llama-2-7b'])).stdout, /nothing wrong/)
  assert.is(typeof JSON.parse((await tidemark(['models', 'schema'])).stdout).$schema, 'string')
  assert.match((await tidemark(['models', 'explain', 'lora-fa'])).stdout, /dA = Xᵀ/)
  const wrong = await tidemark(['models', 'explain', 'lora'])
  assert.is(wrong.status, 2)
  assert.match(wrong.stderr, /Topics: lora-fa/)
  assert.match((await tidemark(['engines'])).stdout, /wasm +yes/)
})

test.run()
