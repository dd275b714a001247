import { listModels } from '../../models/index.ts'
import { EXIT } from '../errors.ts'
import { dashed, type Flag, flagFor } from '../flags.ts'
import { type Command, nameOf, type Run } from '../usage/command.ts'
import { COMMANDS } from '../usage/index.ts'
import { textArgument } from './arguments.ts'
import { contextOf } from './context.ts'

export const run: Run = async (args, raw, flags) => {
  const { terminal } = await contextOf(raw, flags, 'completion')
  const shell = textArgument(args, 'shell') || 'bash'
  terminal.print(shell === 'fish' ? fish(COMMANDS) : shell === 'zsh' ? zsh(COMMANDS) : bash(COMMANDS))
  return EXIT.done
}

interface Word {
  readonly flag: string
  readonly about: Flag<unknown>
}

const words = (command: Command): Word[] =>
  command.flags.map((key) => ({ flag: `--${dashed(key)}`, about: flagFor(key) }))

function bash(commands: readonly Command[]): string {
  const names = commands.map(nameOf)
  const values = new Map(commands.flatMap(words).map(({ flag, about }) => [flag, about.choices]))
  const choices = [...values].filter(([, list]) => list)
  return `# bash completion for tidemark: source <(tidemark completion bash)
_tidemark() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  case "$prev" in
${choices.map(([flag, list]) => `    ${flag}) COMPREPLY=($(compgen -W "${list?.join(' ')}" -- "$cur")); return ;;`).join('\n')}
    --config|--output|--plan|--report|--trace) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${names.join(' ')}" -- "$cur")); return; fi
  case "$command" in
${commands
  .map(
    (c) =>
      `    ${nameOf(c)}) local flags="${words(c)
        .map((w) => w.flag)
        .join(' ')}" ;;`,
  )
  .join('\n')}
    *) local flags="" ;;
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "${firstWords()}" -- "$cur") $(compgen -f -- "$cur")) ;;
  esac
}
complete -F _tidemark tidemark
`
}

/** zsh runs bash's own completion. */
const zsh = (commands: readonly Command[]): string =>
  `# zsh completion for tidemark: source <(tidemark completion zsh)\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`

function fish(commands: readonly Command[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`
  const lines = commands.flatMap((command) => {
    const name = nameOf(command)
    const own = words(command).map(({ flag, about }) => {
      const list = about.choices ? ` -xa ${quote(about.choices.join(' '))}` : about.kind === 'boolean' ? '' : ' -r'
      return `complete -c tidemark -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${list} -d ${quote(about.describe)}`
    })
    return [`complete -c tidemark -n __fish_use_subcommand -fa ${name} -d ${quote(command.describe)}`, ...own]
  })
  const models = `complete -c tidemark -n '__fish_seen_subcommand_from estimate compare run' -a ${quote(firstWords())}`
  return ['# fish completion for tidemark: tidemark completion fish | source', ...lines, models, ''].join('\n')
}

const firstWords = (): string => listModels().join(' ')
