import type { Document, LineCounter, Node } from 'yaml'
import { type Issue, ModelError } from './issue.ts'
import { MAX_DEPTH, MAX_YAML_LENGTH, textTooLong, tooDeep } from './limits.ts'
import { type Path, pathKey, printable, type Source, textSource } from './source.ts'

/** How many nodes aliases may stand for, all together: enough for shared blocks, too few for an alias bomb. */
const MAX_ALIASES = 100
const MAX_SYNTAX_ISSUES = 20

/**
 * Reads one YAML 1.2 document (core schema, no custom tags) and remembers where each key stood. The parser is loaded
 * on the first call.
 *
 * @param label what errors call the text
 * @throws ModelError for syntax errors (all together), duplicate keys, a text too long, nesting too deep, an alias bomb
 */
export async function readYaml(text: string, label: string): Promise<Source> {
  const long = textTooLong(label, text, MAX_YAML_LENGTH)
  if (long !== undefined) throw new ModelError([long])
  if (nestsTooDeep(text)) throw new ModelError([tooDeep(label)])
  const yaml = await import('yaml')
  const lines = new yaml.LineCounter()
  const document = parse(yaml, text, label, lines)
  const problems = [...document.errors, ...document.warnings]
  if (problems.length > 0) {
    throw new ModelError(problems.slice(0, MAX_SYNTAX_ISSUES).map((problem) => syntaxIssue(problem, label, lines)))
  }
  const offsets = new Map<string, number>()
  const duplicates: Issue[] = []
  collectOffsets(yaml, document.contents, [], offsets, (offset) => {
    if (duplicates.length < MAX_SYNTAX_ISSUES) duplicates.push(duplicateKey(label, lines.linePos(offset)))
  })
  if (duplicates.length > 0) throw new ModelError(duplicates)
  return textSource(label, text, toValue(document, label), offsets)
}

function parse(yaml: typeof import('yaml'), text: string, label: string, lineCounter: LineCounter): Document.Parsed {
  try {
    // its own check for duplicates compares each key with all before it
    const options = { lineCounter, prettyErrors: false, schema: 'core', version: '1.2', uniqueKeys: false } as const
    return yaml.parseDocument(text, options)
  } catch (error) {
    // the parser recurses: what still slips through the depth check ends as a full stack
    if (error instanceof RangeError) throw new ModelError([tooDeep(label)])
    throw error
  }
}

function toValue(document: Document.Parsed, label: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    if (error instanceof RangeError) throw new ModelError([tooDeep(label)])
    if (!(error instanceof ReferenceError)) throw error
    throw new ModelError([
      {
        code: 'too-large',
        where: label,
        message: 'its aliases stand for too many values, or for nothing',
        expected: `aliases to anchors that exist, standing for at most ${MAX_ALIASES} values`,
        next: 'Write the blocks out, or use a repeat block.',
      },
    ])
  }
}

/**
 * Cheap bound on the nesting before anything recursive sees the text: open brackets (those in strings count too), dashes
 * and question marks that open a level each on one line, and steps of indentation.
 */
function nestsTooDeep(text: string): boolean {
  let brackets = 0
  const indents: number[] = []
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length
    if (line.trim() !== '' && brackets === 0) {
      while (indents.length > 0 && indents[indents.length - 1]! >= indent) indents.pop()
      indents.push(indent)
    }
    const dashes = line.match(/^[\s\-?:]*/)?.[0].replace(/[^\-?:]/g, '').length ?? 0
    if (indents.length + dashes > 2 * MAX_DEPTH) return true
    for (const character of line) {
      if (character === '[' || character === '{') brackets++
      if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1)
      if (brackets > MAX_DEPTH) return true
    }
  }
  return false
}

function syntaxIssue(
  problem: { message: string; pos: [number, number]; code: string },
  label: string,
  lines: LineCounter,
): Issue {
  const { line, col } = lines.linePos(problem.pos[0])
  return {
    code: 'syntax',
    where: `${label}:${line}:${col}`,
    message: printable(problem.message.replace(/\s+/g, ' '), 160),
    expected: 'one YAML 1.2 document of plain values',
    next: 'Correct the syntax.',
  }
}

function duplicateKey(label: string, { line, col }: { line: number; col: number }): Issue {
  const where = `${label}:${line}:${col}`
  return {
    code: 'duplicate-key',
    where,
    message: 'Map keys must be unique',
    expected: 'each key once',
    next: 'Remove one of the two.',
  }
}

/** Aliases are not followed: what is wrong behind one is told at the alias. */
function collectOffsets(
  yaml: typeof import('yaml'),
  node: Node | null | undefined,
  path: Path,
  offsets: Map<string, number>,
  duplicate: (offset: number) => void,
): void {
  if (!offsets.has(pathKey(path))) offsets.set(pathKey(path), node?.range?.[0] ?? 0)
  if (yaml.isMap(node)) {
    const names = new Set<string>()
    for (const { key, value } of node.items) {
      if (!yaml.isScalar(key)) continue
      const inside = [...path, String(key.value)]
      if (names.has(String(key.value))) duplicate(key.range?.[0] ?? 0)
      names.add(String(key.value))
      if (key.range) offsets.set(pathKey(inside), key.range[0])
      collectOffsets(yaml, yaml.isNode(value) ? value : null, inside, offsets, duplicate)
    }
  } else if (yaml.isSeq(node)) {
    node.items.forEach((item, i) => {
      collectOffsets(yaml, yaml.isNode(item) ? item : null, [...path, i], offsets, duplicate)
    })
  }
}
