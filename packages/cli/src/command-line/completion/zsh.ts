import type { Node, NodeArgument, NodeOption } from './nodes.ts'
import { quote } from './quote.ts'

/** For zsh, as a file `_NAME` in `$fpath` or by `source <(NAME completion zsh)`. */
export function zshScript(program: string, nodes: readonly Node[]): string {
  return `#compdef ${program}
# Completion of ${program} for zsh
${nodes.map((node) => nodeFunction(program, node)).join('\n')}
if [ "$funcstack[1]" = "_${program}" ]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`
}

function nodeFunction(program: string, node: Node): string {
  const name = `_${[program, ...node.path].join('_')}`
  return node.commands.length > 0 ? groupFunction(name, node) : commandFunction(name, node)
}

/** Completes the name of a command, then leaves the rest to that command's function. */
function groupFunction(name: string, { commands, options }: Node): string {
  return `${name}() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${commands.map((each) => `    ${quote(`${each.name}:${each.summary}`)}`).join('\n')}
  )
  _arguments -C ${options.map(optionSpec).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest) (( $+functions[${name}_$words[1]] )) && ${name}_$words[1] ;;
  esac
}`
}

function commandFunction(name: string, { options, arguments: positional }: Node): string {
  const specs = [...options.map(optionSpec), ...positional.map(argumentSpec)]
  return `${name}() {
  _arguments ${specs.join(' \\\n    ')}
}`
}

function optionSpec({ names, short, description, value }: NodeOption): string {
  const all = [...(short === undefined ? [] : [`-${short}`]), ...names.map((name) => `--${name}`)]
  const text = `[${escapeSpec(description)}]${value === undefined ? '' : `:${escapeSpec(value.placeholder)}:${actionOf(value)}`}`
  const repeat = value?.isRepeatable ? '*' : ''
  return all
    .map((flag) => {
      const others = repeat === '' && all.length > 1 ? `(${all.join(' ')})` : ''
      return quote(`${others}${repeat}${flag}${value !== undefined && flag.startsWith('--') ? '=' : ''}${text}`)
    })
    .join(' ')
}

function argumentSpec(argument: NodeArgument, index: number): string {
  return quote(`${argument.isRepeatable ? '*' : index + 1}:${escapeSpec(argument.placeholder)}:${actionOf(argument)}`)
}

function actionOf({ completion }: NodeArgument): string {
  switch (completion?.kind) {
    case 'words':
      return `(${completion.words.join(' ')})`
    case 'file':
      return '_files'
    case 'folder':
      return '_files -/'
    default:
      return ''
  }
}

const escapeSpec = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&')
