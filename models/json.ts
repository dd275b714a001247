import { type Issue, ModelError } from './issue.ts'
import { MAX_DEPTH, tooDeep } from './limits.ts'
import { formatPosition, type Path, pathKey, printable, type Source, textSource } from './source.ts'

/**
 * Reads JSON and remembers where each key stood, which `JSON.parse` does not tell. Strict RFC 8259, and stricter on two
 * points where a stranger's file could mislead: nesting is limited and a key may not come twice.
 *
 * @param label what errors call the text
 * @throws ModelError at the first place that is not JSON; all duplicate keys together
 */
export function readJson(text: string, label: string): Source {
  const reader = new JsonReader(text, label)
  const value = reader.document()
  if (reader.issues.length > 0) throw new ModelError(reader.issues)
  return textSource(label, text, value, reader.offsets)
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const SPACE = /[ \t\r\n]*/y
const WORD = /[A-Za-z_][\w.]*/y
const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])
const MAX_DUPLICATES = 20

class JsonReader {
  readonly offsets = new Map<string, number>()
  readonly issues: Issue[] = []
  readonly #text: string
  readonly #label: string
  #at = 0

  constructor(text: string, label: string) {
    // a byte order mark is not JSON, yet editors write it
    this.#text = text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text
    this.#label = label
  }

  document(): unknown {
    this.#space()
    this.offsets.set(pathKey([]), this.#at)
    const value = this.#value([])
    this.#space()
    if (this.#at < this.#text.length) this.#fail('the end of the text')
    return value
  }

  #value(path: Path): unknown {
    if (path.length > MAX_DEPTH) throw new ModelError([tooDeep(formatPosition(this.#label, this.#text, this.#at))])
    const start = this.#text[this.#at]
    if (start === '{') return this.#object(path)
    if (start === '[') return this.#array(path)
    if (start === '"') return this.#string('a string')
    const number = this.#match(NUMBER)
    if (number !== undefined) return Number(number)
    const from = this.#at
    const literal = LITERALS.get(this.#match(WORD) ?? '')
    if (literal !== undefined) return literal
    this.#at = from
    return this.#fail('a value')
  }

  #object(path: Path): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    this.#at++
    this.#space()
    while (this.#text[this.#at] !== '}') {
      if (entries.size > 0) this.#expect(',')
      const offset = this.#at
      const key = this.#string('a key in double quotes')
      const inside = [...path, key]
      if (entries.has(key)) this.#duplicate(key, offset)
      this.offsets.set(pathKey(inside), offset)
      this.#space()
      this.#expect(':')
      entries.set(key, this.#value(inside))
      this.#space()
    }
    this.#at++
    // fromEntries defines own properties: a __proto__ key stays a key, to be refused by name later
    return Object.fromEntries(entries)
  }

  #array(path: Path): unknown[] {
    const items: unknown[] = []
    this.#at++
    this.#space()
    while (this.#text[this.#at] !== ']') {
      if (items.length > 0) this.#expect(',')
      const inside = [...path, items.length]
      this.offsets.set(pathKey(inside), this.#at)
      items.push(this.#value(inside))
      this.#space()
    }
    this.#at++
    return items
  }

  #string(expected: string): string {
    if (this.#text[this.#at] !== '"') this.#fail(expected)
    const start = this.#at
    let end = start + 1
    // by hand: a pattern with a repeated group would fill the stack on a string of megabytes
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, end + 1))
      this.#at = end + 1
      return String(value)
    } catch {
      return this.#fail('a string closed by a quote, with known escapes and no line breaks')
    }
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) this.#fail(`"${character}"`)
    this.#at++
    this.#space()
  }

  #space(): void {
    this.#match(SPACE)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #duplicate(key: string, offset: number): void {
    if (this.issues.length >= MAX_DUPLICATES) return
    this.issues.push({
      code: 'duplicate-key',
      where: `${formatPosition(this.#label, this.#text, offset)} ${printable(key)}`,
      message: 'the key stands twice',
      expected: 'each key once',
      next: 'Remove one of the two.',
    })
  }

  #fail(expected: string): never {
    const rest = this.#text.slice(this.#at, this.#at + 12).split('\n', 1)[0] ?? ''
    const ended = this.#at >= this.#text.length
    throw new ModelError([
      {
        code: 'syntax',
        where: formatPosition(this.#label, this.#text, this.#at),
        message: ended ? 'the text ends here' : `"${printable(rest)}" is not JSON here`,
        expected,
        next: ended ? 'Is the file complete?' : 'Correct the syntax.',
      },
    ])
  }
}
