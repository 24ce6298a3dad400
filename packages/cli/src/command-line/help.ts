import type { Command, CommandGroup, Program } from './command.ts'
import type { Argument, Option } from './values.ts'

const MAX_COLUMNS = 100
/** Longer labels have a line of their own. */
const MAX_LABEL = 22

const HELP_OPTION = 'Show this help'

export function programHelp(
  { name, summary, commands, sections, environment, exitCodes }: Program,
  columns?: number,
): string {
  const width = Math.max(...Object.keys(commands).map((each) => each.length))
  const lines = Object.entries(sections).flatMap(([title, names]) =>
    section(
      title,
      names.map((each) => [each.padEnd(width), commands[each]?.summary ?? '']),
      columns,
    ),
  )
  return toText([
    `Usage: ${name} <command> [options]`,
    '',
    ...wrap(summary, columns),
    ...lines,
    ...section(
      'Options',
      [
        ['-h, --help', `Show this help, or that of a command: ${name} jobs logs --help`],
        ['-v, --version', 'Show the version'],
      ],
      columns,
    ),
    ...section('Environment', Object.entries(environment), columns),
    ...section('Exit codes', Object.entries(exitCodes), columns),
  ])
}

export function groupHelp(path: string, group: CommandGroup, columns?: number): string {
  return toText([
    `Usage: ${path} <command> [options]`,
    '',
    ...wrap(group.description, columns),
    ...section(
      'Commands',
      Object.entries(group.commands).map(([name, { summary }]) => [name, summary]),
      columns,
    ),
    ...section('Options', [['-h, --help', `Show this help, or that of a command`]], columns),
    ...examples(group.examples),
  ])
}

/** `json`: the keys of what `--json` prints. */
export function commandHelp(
  path: string,
  command: Command,
  columns?: number,
  json: Readonly<Record<string, string>> = {},
): string {
  const { description, exitCodes, notes } = command
  return toText([
    usageLine(path, command),
    '',
    ...wrap(description, columns),
    ...section('Arguments', Object.values(command.arguments).map(describeArgument), columns),
    ...section(
      'Options',
      [...Object.entries(command.options).map(describeOption), ['-h, --help', HELP_OPTION]],
      columns,
    ),
    ...(notes === undefined ? [] : ['', ...notes.split('\n')]),
    ...section('JSON', Object.entries(json), columns),
    ...section('Exit codes', command.isRaw ? [] : describeExitCodes(exitCodes), columns),
    ...examples(command.examples),
  ])
}

/** `Usage: trainyard jobs logs JOB [options]` */
export function usageLine(path: string, command: Command): string {
  const usage = command.usage ?? [...Object.values(command.arguments).map(argumentUsage), '[options]'].join(' ')
  return `Usage: ${path} ${usage}`
}

function argumentUsage({ placeholder, min, max }: Argument<unknown>): string {
  const text = max > 1 ? `${placeholder}...` : placeholder
  return min === 0 ? `[${text}]` : text
}

function describeArgument({ placeholder, description }: Argument<unknown>): [string, string] {
  return [placeholder, description]
}

function describeOption([name, option]: [string, Option<unknown>]): [string, string] {
  const { short, placeholder, description, alias, fallback, completion, isRepeatable } = option
  const label = `${short === undefined ? '' : `-${short}, `}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`
  const parts = [description]
  if (completion?.kind === 'words') parts.push(`One of ${completion.words.join(', ')}`)
  if (isRepeatable) parts.push('Can be repeated')
  if (fallback !== undefined) parts.push(`Default: ${fallback}`)
  if (alias !== undefined) parts.push(`Also --${alias}`)
  return [label, parts.join('. ')]
}

function describeExitCodes(own: Readonly<Record<number, string>> = { 0: 'success' }): [string, string][] {
  return Object.entries({ ...own, 2: 'wrong usage', 3: 'failure', 130: 'interrupted' })
}

function examples(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', 'Examples:', ...lines.map((line) => `  ${line}`)]
}

function section(title: string, rows: readonly (readonly [string, string])[], columns?: number): string[] {
  if (rows.length === 0) return []
  const width = Math.min(MAX_LABEL, Math.max(...rows.map(([label]) => label.length)))
  const indent = ' '.repeat(width + 4)
  const lines = rows.flatMap(([label, text]) => {
    const [first = '', ...rest] = wrap(text, columns, width + 4)
    const head = label.length > width ? [`  ${label}`, indent + first] : [`  ${label.padEnd(width)}  ${first}`]
    return [...head, ...rest.map((line) => indent + line)]
  })
  return ['', `${title}:`, ...lines]
}

/** Lines of words that fit beside `indent`. */
function wrap(text: string, columns: number = MAX_COLUMNS, indent = 0): string[] {
  const width = Math.max(30, Math.min(columns, MAX_COLUMNS) - indent)
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    lines.push(line)
  }
  return lines
}

const toText = (lines: readonly string[]): string => `${lines.map((line) => line.trimEnd()).join('\n')}\n`
