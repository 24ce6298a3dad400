import type { Completion } from '../values.ts'
import type { Node, NodeOption } from './nodes.ts'

export function fishScript(program: string, nodes: readonly Node[]): string {
  return `# Completion of ${program} for fish
# Whether the words so far begin with these.
function __${program}_in
    set -l words (commandline -opc)
    set -e words[1]
    set -l last (count $argv)
    test (count $words) -ge $last
    and test "$words[1..$last]" = "$argv"
end
# Whether the words so far are these and no more.
function __${program}_is
    set -l words (commandline -opc)
    set -e words[1]
    test "$words" = "$argv"
end
complete -c ${program} -f
${nodes.flatMap((node) => nodeLines(program, node)).join('\n')}
`
}

function nodeLines(program: string, { path, commands, options, arguments: positional }: Node): string[] {
  const complete = (test: string) => `complete -c ${program} -n ${quote([`__${program}_${test}`, ...path].join(' '))}`
  return [
    ...commands.map(({ name, summary }) => `${complete('is')} -a ${name} -d ${quote(summary)}`),
    // An option of the whole program is no option of its commands.
    ...options.map((option) => `${complete(commands.length > 0 ? 'is' : 'in')} ${optionFlags(option)}`),
    ...positional.flatMap(({ completion }) =>
      completion === undefined ? [] : [`${complete('in')} ${valueFlags(completion)}`],
    ),
  ]
}

function optionFlags({ names, short, description, value }: NodeOption): string {
  const flags = [...names.map((name) => `-l ${name}`), ...(short === undefined ? [] : [`-s ${short}`])]
  const kind = value === undefined ? [] : value.completion?.kind === 'file' ? ['-r'] : ['-x']
  const values = value?.completion === undefined ? [] : [valueFlags(value.completion)]
  return [...flags, ...kind, ...values, `-d ${quote(description)}`].join(' ')
}

function valueFlags(completion: Completion): string {
  switch (completion.kind) {
    case 'words':
      return `-a ${quote(completion.words.join(' '))}`
    case 'file':
      return '-F'
    case 'folder':
      return `-a '(__fish_complete_directories)'`
  }
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
