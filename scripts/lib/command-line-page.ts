import type { Command, Program } from '../../packages/cli/src/command-line/command.ts'
import { usageLine } from '../../packages/cli/src/command-line/help.ts'
import type { Option } from '../../packages/cli/src/command-line/values.ts'
import { PROGRAM } from '../../packages/cli/src/table/index.ts'

const INTRODUCTION = `# The command line

\`npm install --global trainyard\` installs the command \`trainyard\`. This page is made of the same table as its help.

## For programs

With \`--json\` a command prints one JSON document to standard output and nothing else there; progress and warnings go to standard
error, and \`--quiet\` leaves them out. \`jobs logs --json\` prints one document in each line, and \`dev\`, \`exec\` and \`completion\` have no
\`--json\`. Every document has \`jsonVersion\`, which is 1. It changes only if a key is removed or changes its meaning; new keys can be
added at any time. After an error the document is

\`\`\`json
{ "jsonVersion": 1, "error": { "code": "not_found", "message": "Job \\"7\\" not found" } }
\`\`\`

\`code\` is \`usage\` for a wrong command line, \`interrupted\` after Ctrl-C, the code of the server's problem document
(\`not_found\`, \`forbidden\`, …), \`unreachable\` for a server that does not answer, and \`failed\` for everything else. The types that the
tables name are in [docs/schemas](schemas), as JSON Schemas.

Colours are for terminals only. \`NO_COLOR\` switches them off, and \`FORCE_COLOR=1\` on.
`

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')

function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return ['', line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)]
}

function optionRow([name, option]: [string, Option<unknown>]): string[] {
  const { short, alias, placeholder, description, completion, fallback, isRepeatable } = option
  const names = [
    ...(short === undefined ? [] : [`-${short}`]),
    `--${name}`,
    ...(alias === undefined ? [] : [`--${alias}`]),
  ]
  const value = placeholder === undefined ? '' : ` ${placeholder}`
  const more = [
    completion?.kind === 'words' ? `One of ${completion.words.join(', ')}` : '',
    isRepeatable === true ? 'Can be repeated' : '',
    fallback === undefined ? '' : `Default: ${fallback}`,
  ].filter(Boolean)
  return [names.map((each) => `\`${each}${value}\``).join(', '), [description, ...more].join('. ')]
}

function commandPage(path: string, command: Command, { name, json }: Program): string[] {
  const { description, exitCodes = {}, examples, notes } = command
  const own = Object.entries(exitCodes).map(([code, text]) => [code, text])
  return [
    `### ${path}`,
    '',
    cell(description),
    '',
    '```',
    usageLine(`${name} ${path}`, command).replace('Usage: ', ''),
    '```',
    ...table(
      ['argument', 'means'],
      Object.values(command.arguments).map(({ placeholder, description: text }) => [`\`${placeholder}\``, text]),
    ),
    ...table(['option', 'means'], Object.entries(command.options).map(optionRow)),
    ...table(
      ['key with --json', 'value'],
      Object.entries(json[path] ?? {}).map(([key, text]) => [`\`${key}\``, text]),
    ),
    ...table(['exit code', 'means'], own),
    ...(notes === undefined ? [] : ['', '```', notes, '```']),
    '',
    '```sh',
    ...examples,
    '```',
    '',
  ]
}

/** `docs/command-line.md`: every command with its arguments, options, JSON, exit codes and examples. */
export function commandLinePage(): string {
  const { commands, sections, environment, exitCodes } = PROGRAM
  const pages = Object.entries(sections).flatMap(([title, names]) => [
    `## ${title}`,
    '',
    ...names.flatMap((name) => {
      const entry = commands[name]
      if (entry === undefined) return []
      if (entry.kind === 'command') return commandPage(name, entry, PROGRAM)
      return Object.entries(entry.commands).flatMap(([own, command]) => commandPage(`${name} ${own}`, command, PROGRAM))
    }),
  ])
  const lines = [
    INTRODUCTION,
    '## Exit codes',
    ...table(['code', 'means'], Object.entries(exitCodes)),
    '',
    '`dev` and `exec` exit with the code of the program that they run.',
    '',
    '## Environment',
    ...table(
      ['variable', 'means'],
      Object.entries(environment).map(([name, text]) => [`\`${name}\``, text]),
    ),
    '',
    ...pages,
  ]
  return `${lines.join('\n').trimEnd()}\n`
}
