import { suggest } from '@trainyard/contract/format'
import type { Command, CommandGroup } from './command-line/command.ts'
import { EXIT_CODES } from './command-line/exit-codes.ts'
import { commandHelp, groupHelp, programHelp, usageLine } from './command-line/help.ts'
import type { CliIo } from './command-line/io.ts'
import { UsageError } from './errors.ts'
import { reportError } from './report-error.ts'
import { PROGRAM } from './table/index.ts'
import { VERSION } from './version.ts'

/** Runs one command line. Resolves with the exit code; never throws. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [first, ...rest] = args
  if (first === undefined) {
    io.stderr.write(programHelp(PROGRAM, io.stderr.columns))
    return EXIT_CODES.usage
  }
  if (first === '--version' || first === '-v') {
    io.stdout.write(`${VERSION}\n`)
    return EXIT_CODES.ok
  }
  const isHelp = first === 'help' || isHelpFlag(first)
  const target = findTarget(isHelp ? rest : args)
  try {
    if (isHelp) return printHelp(target, io)
    return await runTarget(target, io)
  } catch (error) {
    return reportError(error, { path: target.path, usage: usageOf(target), json: wantsJson(target) }, io)
  }
}

/** What the first words of a command line name: a command, a group or the program itself. */
interface Target {
  /** The words: "trainyard jobs ls". */
  path: string
  command: Command | undefined
  group: CommandGroup | undefined
  /** The words after them. */
  args: readonly string[]
}

function findTarget(args: readonly string[]): Target {
  let target: Target = { path: PROGRAM.name, command: undefined, group: undefined, args }
  for (;;) {
    const [name = '', ...rest] = target.args
    const commands = commandsOf(target)
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (entry === undefined) return target
    const path = `${target.path} ${name}`
    if (entry.kind === 'command') return { path, command: entry, group: undefined, args: rest }
    target = { path, command: undefined, group: entry, args: rest }
  }
}

/** The commands that can follow. */
function commandsOf({ command, group }: Target): Readonly<Record<string, Command | CommandGroup>> {
  return command === undefined ? (group?.commands ?? PROGRAM.commands) : {}
}

async function runTarget(target: Target, io: CliIo): Promise<number> {
  const { command, args } = target
  const flags = command === undefined || command.isRaw ? args.slice(0, 1) : beforeTerminator(args)
  if (flags.some(isHelpFlag)) return printHelp({ ...target, args: [] }, io)
  if (command === undefined) throw new UsageError(describeUnknown(target))
  return command.run(args, io)
}

function printHelp(target: Target, io: CliIo): number {
  const { path, command, group, args } = target
  if (args.length > 0)
    throw new UsageError(command === undefined ? describeUnknown(target) : `unexpected argument "${args[0]}"`)
  const { columns } = io.stdout
  if (command !== undefined)
    io.stdout.write(commandHelp(path, command, columns, PROGRAM.json[path.replace(/^\S+ /, '')]))
  else if (group !== undefined) io.stdout.write(groupHelp(path, group, columns))
  else io.stdout.write(programHelp(PROGRAM, columns))
  return EXIT_CODES.ok
}

function describeUnknown(target: Target): string {
  const [name] = target.args
  const names = Object.keys(commandsOf(target))
  if (name === undefined) return `missing command; expected one of ${names.join(', ')}`
  const kind = name.startsWith('-') ? 'option' : 'command'
  return `unknown ${kind} "${name}"${kind === 'command' ? suggest(name, names) : ''}`
}

function usageOf({ path, command }: Target): string {
  return command === undefined ? `Usage: ${path} <command> [options]` : usageLine(path, command)
}

function wantsJson({ command, args }: Target): boolean {
  return command?.options.json !== undefined && beforeTerminator(args).includes('--json')
}

function beforeTerminator(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--')
  return at < 0 ? args : args.slice(0, at)
}

function isHelpFlag(text: string): boolean {
  return text === '--help' || text === '-h'
}
