import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  Dict,
  dict,
  List,
  list,
  PICKLE_LIMITS,
  PickleError,
  type PickleValue,
  readPickle,
  Tuple,
  writePickle,
} from './index.ts'

const folder = new URL('../../../../fixtures/snapshot/pickle/', import.meta.url)
const file = (name: string): Uint8Array => readFileSync(new URL(name, folder))
const bytes = (...parts: (string | number)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => (typeof p === 'number' ? [p] : [...Buffer.from(p, 'latin1')])))
const PROTO = '\x80\x04'

function faultOf(work: () => unknown): Pick<PickleError, 'fault' | 'offset' | 'message'> {
  try {
    work()
  } catch (error) {
    assert.instance(error, PickleError)
    return error as PickleError
  }
  throw new Error('nothing was refused')
}

/** What a pickle says, in words that JSON has. */
function plain(v: PickleValue): unknown {
  if (v instanceof List) return v.items.map(plain)
  if (v instanceof Tuple) return { tuple: v.items.map(plain) }
  if (v instanceof Dict) return { dict: v.keys.map((k, i) => [k, plain(v.values[i]!)]) }
  return typeof v === 'bigint' ? { integer: String(v) } : v
}

const leaf = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, -(2 ** 31), 2 ** 31),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).filter((v) => !Number.isInteger(v)),
  fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }).filter((v) => v > 2n ** 53n || v < -(2n ** 53n)),
  fc.string({ unit: 'grapheme' }),
)
const { value } = fc.letrec<{ value: PickleValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie('value')).map(list),
    fc.array(tie('value')).map((items) => new Tuple(items)),
    fc.dictionary(fc.string(), tie('value')).map(dict),
  ),
}))

test('what is written reads back', () => {
  fc.assert(fc.property(value, (v) => assert.equal(plain(readPickle(writePickle(v))), plain(v))))
})

test('what stands at several places is one object again', () => {
  const frames = list([dict({ name: 'forward', line: 3 })])
  const read = readPickle(writePickle(list([frames, frames, 'forward'])))
  assert.instance(read, List)
  const [a, b] = (read as List).items
  assert.is(a, b)
})

test('Python’s pickler, protocols 2 to 5, says the same', () => {
  const expected = JSON.parse(readFileSync(new URL('values.json', folder), 'utf8'))
  const names = readdirSync(folder).filter((n) => /^values-\d\.pickle$/.test(n))
  assert.is(names.length, 4)
  for (const name of names) assert.equal(plain(readPickle(file(name))), expected, name)
})

test('PyTorch’s C++ pickler, which appends a whole list at once', () => {
  const items = Array.from({ length: 5000 }, () => 'K\x07').join('')
  const read = readPickle(bytes('\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01](', items, 'eu.'))
  assert.is(((read as Dict).get('a') as List).items.length, 5000)
})

test('malicious: every way to run code is refused by its name and place, and nothing is loaded', () => {
  const cases: [string, string, number][] = [
    ["cos\nsystem\n(S'x'\ntR.", 'opcode GLOBAL (os.system)', 2],
    ['\x8c\x02os\x8c\x06system\x93.', 'opcode STACK_GLOBAL (os.system)', 14],
    ['(ios\nsystem\n.', 'opcode INST (os.system)', 3],
    [']]R.', 'opcode REDUCE', 4],
    [']}b.', 'opcode BUILD', 4],
    ['])\x81.', 'opcode NEWOBJ', 4],
    [')}\x92.', 'opcode NEWOBJ_EX', 4],
    ['(o.', 'opcode OBJ', 3],
    ['\x82\x01.', 'opcode EXT1', 2],
    ['Pid\n.', 'opcode PERSID', 2],
    ['NQ.', 'opcode BINPERSID', 3],
  ]
  for (const [program, says, offset] of cases) {
    const found = faultOf(() => readPickle(bytes(PROTO, program)))
    assert.is(found.fault, 'executes', program)
    assert.is(found.offset, offset, program)
    assert.ok(found.message.startsWith(says), found.message)
  }
  assert.is(faultOf(() => readPickle(file('reduce.pickle'))).fault, 'executes')
})

test('truncated: every prefix of a snapshot ends in an error that says where', () => {
  const whole = file('values-4.pickle')
  for (let n = 0; n < whole.length; n++) {
    const found = faultOf(() => readPickle(whole.subarray(0, n)))
    assert.is(found.fault, 'truncated', `${n} of ${whole.length} bytes: ${found.message}`)
    assert.ok(found.offset <= n)
  }
})

test('a length of a gigabyte in a file of a few bytes takes no memory', () => {
  const before = process.memoryUsage().arrayBuffers
  for (const program of [
    'X\xff\xff\xff\x3fa',
    '\x8d\x00\x00\x00\x40\x00\x00\x00\x00a',
    '\x95\xff\xff\xff\xff\xff\xff\xff\xffN.',
  ])
    assert.is(faultOf(() => readPickle(bytes(PROTO, program))).fault, 'truncated')
  assert.is(faultOf(() => readPickle(bytes(PROTO, '\x8b\xff\xff\xff\x7f'))).fault, 'too-large')
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
})

test('limits hold: depth, containers, stack, marks, memo, texts, bytes', () => {
  const small = { bytes: 4096, text: 8, integer: 16, containers: 100, stack: 100, marks: 4, memo: 10, depth: 3 }
  const refused = (program: string) => faultOf(() => readPickle(bytes(PROTO, program), small))
  assert.match(refused('N\x85\x85\x85\x85.').message, /more than 3 containers inside one another/)
  assert.match(refused(']]]]aaa.').message, /more than 3 containers inside/)
  assert.match(refused(']0'.replace('0', ']a').repeat(60)).message, /more than 100 (lists|values)/)
  assert.match(refused('N'.repeat(101)).message, /more than 100 values on the stack/)
  assert.match(refused('((((('.concat('N')).message, /more than 4 open marks/)
  assert.match(refused('Nq\x0a').message, /more than 10 entries of the memo/)
  assert.match(refused('Nr\xff\xff\xff\xff').message, /entries of the memo/)
  assert.match(refused('X\x09\x00\x00\x00123456789').message, /a text of 9 bytes; at most 8/)
  assert.match(faultOf(() => readPickle(new Uint8Array(5000), small)).message, /at most 4096/)
})

test('a list inside itself is read, and ends at the limit of depth', () => {
  assert.is((readPickle(bytes(PROTO, ']\x94h\x00a.')) as List).items.length, 1)
  const again = faultOf(() => readPickle(bytes(PROTO, ']\x94', 'h\x00a'.repeat(PICKLE_LIMITS.depth), '.')))
  assert.is(again.fault, 'too-large')
})

test('nonsense is refused, and never crashes the reader', () => {
  const program = fc.uint8Array({ maxLength: 200 }).map((tail) => Uint8Array.from([0x80, 4, ...tail]))
  const run = (b: Uint8Array): void => {
    try {
      readPickle(b)
    } catch (error) {
      assert.instance(error, PickleError)
    }
  }
  fc.assert(fc.property(program, run), { numRuns: 2000 })
  const whole = file('values-4.pickle')
  const flipped = fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, to]) => {
    const copy = Uint8Array.from(whole)
    copy[at] = to
    return copy
  })
  fc.assert(fc.property(flipped, run), { numRuns: 2000 })
  for (const text of ['', 'PK\x03\x04', '{"schema": 1}']) assert.ok(faultOf(() => readPickle(bytes(text))))
})

test.run()
