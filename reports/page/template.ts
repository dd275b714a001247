/** A part of a compiled template: text, the number of a value, or an element. */
export type Slot = string | number | ElementSlot
export interface ElementSlot {
  readonly tag: string
  readonly attributes: readonly (readonly [name: string, parts: readonly (string | number)[]])[]
  readonly children: readonly Slot[]
}

const VOID = new Set(['br', 'wbr', 'input', 'meta', 'col'])
const MARK = '\u0001'
const TAG = /<(\/?)([a-z][\w-]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*>/g
const ATTRIBUTE = /([\w-]+)(?:="([^"]*)")?/g

const compiled = new WeakMap<TemplateStringsArray, readonly Slot[]>()

/**
 * A template's tags, read once: each is written by this program, so what is not plain markup is an error here and not a guess.
 *
 * @throws SyntaxError for a tag that is not closed, or a value outside text and quoted attributes
 */
export function compileTemplate(parts: TemplateStringsArray): readonly Slot[] {
  const known = compiled.get(parts)
  if (known !== undefined) return known
  const slots = parse(parts.reduce((text, part, i) => `${text}${MARK}${i - 1}${MARK}${part}`))
  compiled.set(parts, slots)
  return slots
}

interface Open {
  readonly tag: string
  readonly attributes: ElementSlot['attributes']
  readonly children: Slot[]
}

function parse(source: string): readonly Slot[] {
  const stack: Open[] = [{ tag: '', attributes: [], children: [] }]
  let from = 0
  for (const match of source.matchAll(TAG)) {
    const [whole, slash, tag = '', attributes = ''] = match
    stack.at(-1)!.children.push(...textSlots(source.slice(from, match.index), source))
    from = match.index + whole.length
    if (slash === '/') {
      const done = stack.pop()
      if (done?.tag !== tag || stack.length === 0) throw new SyntaxError(`</${tag}> closes nothing in ${source}`)
      stack.at(-1)!.children.push(done)
    } else {
      const open: Open = { tag, attributes: attributeSlots(attributes), children: [] }
      if (VOID.has(tag)) stack.at(-1)!.children.push(open)
      else stack.push(open)
    }
  }
  if (stack.length !== 1) throw new SyntaxError(`<${stack.at(-1)!.tag}> is not closed in ${source}`)
  return [...stack[0]!.children, ...textSlots(source.slice(from), source)]
}

/** Line breaks between tags only lay the template out. */
function textSlots(text: string, source: string): Slot[] {
  if (text.includes('<')) throw new SyntaxError(`no tag at ${text} in ${source}`)
  return pieces(text).filter((piece) => typeof piece === 'number' || !/^\s*\n\s*$/.test(piece))
}

const attributeSlots = (text: string): ElementSlot['attributes'] =>
  [...text.matchAll(ATTRIBUTE)].map(([, name = '', value = '']) => [name, pieces(value)])

/** Text and the numbers of values in it. */
function pieces(text: string): (string | number)[] {
  return text.split(MARK).flatMap((piece, i): (string | number)[] => {
    if (i % 2 === 1) return [Number(piece)]
    return piece === '' ? [] : [piece]
  })
}
