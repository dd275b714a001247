import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CompareResult } from '../planner/result/compare.ts'
import { BINARY, cleanEnv, run, tidemark } from './testing/binary.ts'

test('three methods side by side, and why LoRA-FA keeps less', async () => {
  const { status, stdout } = await tidemark([
    'compare',
    'smollm2-135m',
    '-s',
    '128',
    '-q',
    '--target-modules',
    'all-linear',
  ])
  assert.is(status, 0)
  assert.match(stdout, /r = 8 on 7 linears × 30 layers/)
  assert.match(stdout, /\n +full +LoRA +LoRA-FA\n/)
  assert.match(stdout, /\ntrainable +134 515 008 +2 442 240 +1 244 160\n/)
  assert.match(stdout, /\nsaved +.*−\d+ %/)
  assert.match(
    stdout.replace(/\n/g, ' '),
    /LoRA-FA drops the inputs of 210 adapted linears: 4·t·d_in bytes each \(dA is not needed, so X is not\)/,
  )
  assert.not.match(stdout, /✓/)
})

test('--json holds every method and what one saves against another', async () => {
  const { stdout } = await tidemark(['compare', 'smollm2-135m', '--methods', 'lora,lora-fa', '--json', '-q'])
  const { result } = CompareResult.parse(JSON.parse(stdout))
  assert.equal(
    result.methods.map((m) => m.method),
    ['lora', 'lora-fa'],
  )
  assert.ok(result.savings.some((s) => s.of === 'lora-fa' && s.against === 'lora' && s.saved_bytes > 0))
})

test('a comparison goes through a pipe to the report and on: -o - is stdout', async () => {
  const { stdout: json } = await tidemark(['compare', 'smollm2-135m', '--json', '-q', '-o', '-'])
  const { stdout, stderr, status } = await tidemark(['report', '-', '--format', 'md', '-o', '-'], { input: json })
  assert.is(status, 0)
  assert.is(stderr, '')
  assert.match(stdout, /^## smollm2-135m: memory of a training step\n/)
})

test('methods twice or unknown are refused', async () => {
  assert.is((await tidemark(['compare', 'smollm2-135m', '--methods', 'lora,lora'])).status, 2)
  const { status, stderr } = await tidemark(['compare', 'smollm2-135m', '--methods', 'lora,lora-fb'])
  assert.is(status, 2)
  assert.match(stderr, /Did you mean lora, lora-fa/)
})

test('a reader that closes the pipe early is no error', async () => {
  const { stdout, stderr } = await run('bash', ['-c', `"$0" "${BINARY}" models list | head -1`, process.execPath], {
    env: cleanEnv(),
  })
  assert.match(stdout, /^name/)
  assert.is(stderr, '')
})

test.run()
