import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cleanEnv, tidemark } from './testing/binary.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

test('the worked example of the README is what the command prints', async () => {
  const [, command, printed] = /```console\n\$ tidemark ([^\n]+)\n([\s\S]*?)\n```/.exec(readme) ?? []
  assert.ok(command && printed, 'the README has an example')
  const { stdout } = await tidemark(command.split(' '), { env: cleanEnv({ COLUMNS: '100' }) })
  assert.is(stdout.trimEnd(), printed)
})

test.run()
