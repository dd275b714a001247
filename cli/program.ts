import yargs, { type Argv } from 'yargs'
import { didYouMean } from '../models/nearest.ts'
import { describeValue, printable } from '../models/source.ts'
import { EXIT, type ExitCode, type Problem, UsageError } from './errors.ts'
import { dashed, type FlagKey, flagFor } from './flags.ts'
import { columns } from './terminal.ts'
import { type Command, nameOf } from './usage/command.ts'
import { COMMANDS } from './usage/index.ts'
import { toolVersion } from './version.ts'

/**
 * The command line as yargs sees it. yargs splits words and writes help; values stay text, and every check is our own: yargs
 * takes `--rank abc` for NaN, keeps unknown flags and makes lists of repeated ones.
 */
export function program(argv: readonly string[], done: (code: ExitCode) => void): Argv {
  const parser = yargs(argv.map((word) => (word === '-' ? STANDARD_INPUT : word)))
    .scriptName('tidemark')
    .locale('en')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
    })
    .usage('tidemark: what a fine-tuning step needs, to the byte\n\nUsage: $0 <command>')
    .exitProcess(false)
    .help('help')
    .alias('help', 'h')
    .version('version', toolVersion())
    .alias('version', 'V')
    .wrap(Math.min(120, columns(process.stdout.columns, process.env)))
    .fail((message, error) => {
      throw error ?? new UsageError([usageProblem(message, argv)])
    })
    .command('$0', false, {}, ({ _ }) => {
      throw new UsageError([unknownCommand(String(_[0] ?? ''))])
    })
  const shown = asksForHelp(argv)
  for (const command of COMMANDS) addCommand(parser, command, shown, done)
  return parser
}

/**
 * Whether help may be what is asked for: `--help`, an `h` among short flags, or the word, which yargs takes as well. Else flags
 * stay hidden, since yargs lays out the help of every command that it runs, wanted or not.
 */
const asksForHelp = (argv: readonly string[]): boolean => argv.some((word) => /^(-{0,2}help|h$|-[^-]*h)/.test(word))

function addCommand(parser: Argv, command: Command, shown: boolean, done: (code: ExitCode) => void): void {
  parser.command(
    command.usage,
    command.describe,
    (y) => {
      for (const [name, { describe, choices }] of Object.entries(command.positionals)) {
        y.positional(name, { type: 'string', describe: choices ? `${describe}: ${choices.join(', ')}` : describe })
      }
      for (const key of command.flags) addFlag(y, key, shown)
      for (const [line, does] of command.examples) y.example(line, does)
      return y
    },
    async (parsed) => {
      const args = { ...parsed, ...restored(parsed) }
      requireNoMore(args._, command)
      requireChoices(args, command)
      const own = new Set([...Object.keys(command.positionals), 'help', 'h', 'version', 'V'])
      const raw = Object.fromEntries(Object.entries(args).filter(([name]) => !own.has(name)))
      const { run } = await command.load()
      done(await run(args, raw, command.flags))
    },
  )
}

/** yargs takes a lone dash for an empty positional: it travels under another name. */
const STANDARD_INPUT = '\u0000-'

const dash = (value: unknown): unknown => (value === STANDARD_INPUT ? '-' : value)

const restored = (args: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(args)
      .filter(([, value]) => [value].flat().includes(STANDARD_INPUT))
      .map(([name, value]) => [name, Array.isArray(value) ? value.map(dash) : '-']),
  )

function addFlag(y: Argv, key: FlagKey, shown: boolean): void {
  const flag = flagFor(key)
  const fallback = flag.fallback === undefined ? '' : ` [${flag.fallback}]`
  const example = flag.placeholder === undefined ? '' : `: ${flag.placeholder}`
  const values = flag.choices && flag.placeholder === undefined ? `: ${flag.choices.join(', ')}` : example
  y.option(dashed(key), {
    type: flag.kind === 'boolean' ? 'boolean' : 'string',
    description: `${flag.describe}${values}${fallback}`,
    group: `${flag.group}:`,
    hidden: !shown,
    ...(flag.alias === undefined ? {} : { alias: flag.alias }),
  })
}

/** Words after the positionals: mostly the value of a flag that was not written. */
function requireNoMore(words: readonly (string | number)[], command: Command): void {
  const more = words.slice(1)
  if (more.length === 0) return
  const next = `\`tidemark ${nameOf(command)} --help\` shows what it takes.`
  throw new UsageError(
    more.map((w) => ({ where: printable(String(w)), message: `is one word too many for ${command.usage}`, next })),
  )
}

function requireChoices(args: Readonly<Record<string, unknown>>, { usage, positionals }: Command): void {
  for (const [name, { choices }] of Object.entries(positionals)) {
    const said = args[name]
    if (choices === undefined || said === undefined || choices.includes(String(said))) continue
    const message = `${name} is ${describeValue(said)}; expected one of ${choices.join(', ')}`
    const where = usage.split(' ')[0] ?? ''
    throw new UsageError([{ where, message, next: didYouMean(String(said), choices, 'Correct it.') }])
  }
}

function unknownCommand(said: string): Problem {
  const names = COMMANDS.map(nameOf)
  if (said === '')
    return {
      where: 'tidemark',
      message: 'needs a command',
      next: `Commands: ${names.join(', ')}; tidemark --help tells more.`,
    }
  const next = didYouMean(said, names, `Commands: ${names.join(', ')}.`)
  return { where: printable(said), message: 'is not a command', next }
}

/** What yargs itself finds wrong: a missing or a wrong positional. */
function usageProblem(message: string, argv: readonly string[]): Problem {
  const name = argv.find((word) => !word.startsWith('-')) ?? ''
  const command = COMMANDS.find((c) => nameOf(c) === name)
  const where = command ? nameOf(command) : 'tidemark'
  if (/^Not enough/.test(message)) {
    const needs = command?.usage.match(/<(\w+?)s?(?:\.\.)?>/)?.[1] ?? 'command'
    return { where, message: `needs a ${needs}`, next: `\`tidemark ${where} --help\` shows what it takes.` }
  }
  return { where, message: message.replace(/\s+/g, ' '), next: `\`tidemark ${where} --help\` shows what it takes.` }
}

/** Runs a command line to its exit code. Errors are thrown. */
export async function runProgram(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.done
  await program(argv, (c) => {
    code = c
  }).parseAsync()
  return code
}
