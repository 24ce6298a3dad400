import type { Node } from './nodes.ts'
import { quote } from './quote.ts'

/** For bash 3.2 and newer, without the package bash-completion. File names are completed by readline itself. */
export function bashScript(program: string, nodes: readonly Node[]): string {
  const groups = nodes.filter(({ path, commands }) => path.length === 1 && commands.length > 0)
  return `# Completion of ${program} for bash
_${program}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' words=''
  COMPREPLY=()
  # bash splits --option=value into three words.
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if (( COMP_CWORD > 1 )); then path=\${COMP_WORDS[1]}; fi
  case $path in
    ${groups.map(({ path }) => path.join(' ')).join('|')}) if (( COMP_CWORD > 2 )); then path="$path \${COMP_WORDS[2]}"; fi ;;
  esac
  case "$path $prev" in
${nodes.flatMap(valueCases).join('\n')}
    *) case $path in
${nodes.map(wordCase).join('\n')}
    esac ;;
  esac
  COMPREPLY=( $(compgen -W "$words" -- "$cur") )
}
complete -o default -F _${program} ${program}
`
}

/** After an option with a value: its words, or nothing, so that readline completes a file name. */
function valueCases({ path, options }: Node): string[] {
  return options.flatMap(({ names, short, value }) => {
    if (value === undefined) return []
    const flags = [...names.map((name) => `--${name}`), ...(short === undefined ? [] : [`-${short}`])]
    const patterns = flags.map((each) => quote([...path, each].join(' ')))
    const words = value.completion?.kind === 'words' ? value.completion.words : []
    return [`    ${patterns.join('|')}) words=${quote(words.join(' '))} ;;`]
  })
}

function wordCase({ path, commands, options, arguments: positional }: Node): string {
  const words = positional.flatMap(({ completion }) => (completion?.kind === 'words' ? completion.words : []))
  const flags = options.flatMap(({ names }) => names.map((name) => `--${name}`))
  const plain = [...commands.map(({ name }) => name), ...words].join(' ')
  return `      ${quote(path.join(' '))}) if [[ $cur == -* ]]; then words=${quote(flags.join(' '))}; else words=${quote(plain)}; fi ;;`
}
