import type { ConstantNode, FunctionNode, MathNode, OperatorNode, ParenthesisNode, SymbolNode } from 'mathjs'

/** An expression over named dimensions, checked and ready to be worked out. */
export interface Expression {
  /** The names it uses, in the order in which they stand. */
  readonly symbols: readonly string[]
  /** @param numberOf the number of each symbol */
  readonly evaluate: (numberOf: (symbol: string) => number) => number
}

/** Why an expression is refused; `message` completes "the expression …". */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}

/** Turns text into a syntax tree. */
export type ParseExpression = (text: string) => MathNode

export const SYMBOL = /^[A-Za-z][A-Za-z0-9_]*$/
const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const MAX_LENGTH = 200

/** `round(x, m)`, `ceil`, `floor`: to a multiple of m (1 if left out), not to m digits as mathjs has it. */
const toMultiple =
  (rounding: (x: number) => number) =>
  (x: number, multiple = 1) =>
    rounding(x / multiple) * multiple

/** What may be called, with how many arguments. */
const FUNCTIONS: Readonly<Record<string, { arity: readonly [number, number]; apply: (...args: number[]) => number }>> =
  {
    round: { arity: [1, 2], apply: (x, m) => toMultiple(Math.round)(x!, m) },
    ceil: { arity: [1, 2], apply: (x, m) => toMultiple(Math.ceil)(x!, m) },
    floor: { arity: [1, 2], apply: (x, m) => toMultiple(Math.floor)(x!, m) },
    min: { arity: [1, 16], apply: Math.min },
    max: { arity: [1, 16], apply: Math.max },
    sqrt: { arity: [1, 1], apply: (x) => Math.sqrt(x!) },
    log2: { arity: [1, 1], apply: (x) => Math.log2(x!) },
  }

/** By mathjs's name of the operator's function. */
const OPERATORS: Readonly<Record<string, (x: number, y: number) => number>> = {
  add: (x, y) => x + y,
  subtract: (x, y) => x - y,
  multiply: (x, y) => x * y,
  divide: (x, y) => x / y,
  pow: (x, y) => x ** y,
  mod: (x, y) => x - y * Math.floor(x / y),
  unaryMinus: (x) => -x,
  unaryPlus: (x) => x,
}

/** Names an expression may call: dimensions cannot have them. */
export const FUNCTION_NAMES: readonly string[] = Object.keys(FUNCTIONS)

/** Loads mathjs's parser (half a second): only for texts that `isPlain` does not cover. */
export async function loadParser(): Promise<ParseExpression> {
  const { parse } = await import('mathjs/number')
  return (text) => parse(text)
}

/** A bare number or name, which needs no parser. */
export function isPlain(text: string): boolean {
  return SYMBOL.test(text.trim()) || NUMBER.test(text.trim())
}

/**
 * Checks an expression: numbers, names, `+ - * / ^ %`, parentheses and the functions above, nothing else. mathjs only
 * parses; the tree is walked here, so nothing of mathjs's own functions can be reached.
 *
 * @throws ExpressionError
 */
export function compileExpression(text: string, parse: ParseExpression | undefined): Expression {
  if (text.length > MAX_LENGTH) throw new ExpressionError(`has ${text.length} characters, more than ${MAX_LENGTH}`)
  const plain = text.trim()
  if (NUMBER.test(plain)) return { symbols: [], evaluate: () => Number(plain) }
  if (SYMBOL.test(plain)) return { symbols: [plain], evaluate: (numberOf) => numberOf(plain) }
  if (parse === undefined) throw new ExpressionError('needs the expression parser')
  let tree: MathNode
  try {
    tree = parse(plain)
  } catch (error) {
    throw new ExpressionError(`cannot be read (${error instanceof Error ? error.message : 'unknown error'})`)
  }
  const symbols: string[] = []
  return { symbols, evaluate: compileNode(tree, symbols) }
}

type Evaluate = Expression['evaluate']

function compileNode(node: MathNode, symbols: string[]): Evaluate {
  // mathjs's node types are told apart by `type`, which its declarations do not narrow on
  switch (node.type) {
    case 'ConstantNode': {
      const { value } = node as ConstantNode
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw new ExpressionError('has a value that is no number')
      return () => value
    }
    case 'SymbolNode': {
      const { name } = node as SymbolNode
      symbols.push(name)
      return (numberOf) => numberOf(name)
    }
    case 'ParenthesisNode':
      return compileNode((node as ParenthesisNode).content, symbols)
    case 'OperatorNode':
      return compileOperator(node as OperatorNode, symbols)
    case 'FunctionNode':
      return compileCall(node as FunctionNode, symbols)
    default:
      throw new ExpressionError(`has a ${node.type.replace(/Node$/, '').toLowerCase()}, which is not allowed`)
  }
}

function compileOperator(node: OperatorNode, symbols: string[]): Evaluate {
  const apply = Object.hasOwn(OPERATORS, node.fn) ? OPERATORS[node.fn] : undefined
  if (apply === undefined) throw new ExpressionError(`has the operator ${node.op}, which is not allowed`)
  if (node.implicit) throw new ExpressionError('leaves out a *')
  const [left, right] = node.args.map((argument) => compileNode(argument, symbols))
  return (numberOf) => apply(left!(numberOf), right === undefined ? 0 : right(numberOf))
}

function compileCall(node: FunctionNode, symbols: string[]): Evaluate {
  const callee = node.fn as MathNode
  const name = callee.type === 'SymbolNode' ? (callee as SymbolNode).name : ''
  const called = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (called === undefined)
    throw new ExpressionError(`calls ${name || 'something'}; known: ${FUNCTION_NAMES.join(', ')}`)
  const [least, most] = called.arity
  if (node.args.length < least || node.args.length > most) {
    throw new ExpressionError(`calls ${name} with ${node.args.length} arguments instead of ${least} to ${most}`)
  }
  const compiled = node.args.map((argument) => compileNode(argument, symbols))
  return (numberOf) => called.apply(...compiled.map((evaluate) => evaluate(numberOf)))
}
