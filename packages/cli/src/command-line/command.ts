import type { CliIo } from './io.ts'
import { readCommandLine } from './parse.ts'
import { type Argument, flag, type Option } from './values.ts'

export type Arguments = Readonly<Record<string, Argument<unknown>>>
export type Options = Readonly<Record<string, Option<unknown>>>

/** `dry-run` → `dryRun` */
type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

type ValueOf<V> = V extends Argument<infer T> ? T : V extends Option<infer T> ? T : never

/** What a command gets: the value of each argument and option, in camel case. */
export type Values<A extends Arguments, O extends Options> = {
  [Name in keyof A & string]: ValueOf<A[Name]>
} & {
  [Name in keyof O & string as CamelCase<Name>]: ValueOf<O[Name]>
}

/** What help, completion and documentation show of a command. */
interface Documentation {
  /** One line for the list of commands: a phrase without a full stop. */
  summary: string
  /** Sentences under the usage line. */
  description: string
  /** Each a command line that parses. */
  examples: readonly string[]
  /** What 0 and 1 mean. Wrong usage and failures have the same codes everywhere. */
  exitCodes?: Readonly<Record<number, string>> | undefined
  /** A section at the end of the help. */
  notes?: string | undefined
}

/** A command: data for parsing, help and completion, and its code, loaded when it is called. */
export interface Command extends Documentation {
  kind: 'command'
  arguments: Arguments
  options: Options
  /** The usage line without the name, if it is not made of arguments and options. */
  usage?: string | undefined
  /** Whether the command parses its own arguments. `--help` counts only as the first one. */
  isRaw: boolean
  /** Parses the arguments, loads the code and runs it. Resolves with the exit code. */
  run(args: readonly string[], io: CliIo): Promise<number>
}

/** Commands under one name: `trainyard jobs ls`. */
export interface CommandGroup {
  kind: 'group'
  summary: string
  /** Sentences under the usage line. */
  description: string
  examples: readonly string[]
  commands: Readonly<Record<string, Command>>
}

/** All commands of a program, and what its help shows beside them. */
export interface Program {
  name: string
  summary: string
  commands: Readonly<Record<string, Command | CommandGroup>>
  /** Sections of the list of commands. Every command is in one of them. */
  sections: Readonly<Record<string, readonly string[]>>
  /** The variables that the program reads. */
  environment: Readonly<Record<string, string>>
  /** What the exit codes of all commands mean. */
  exitCodes: Readonly<Record<number, string>>
  /** The keys of what `--json` prints, by command. */
  json: Readonly<Record<string, Readonly<Record<string, string>>>>
}

interface Module<Input> {
  /** Resolves with the exit code. */
  run: (input: Input, io: CliIo) => Promise<number>
}

export interface CommandSpec<A extends Arguments, O extends Options> extends Documentation {
  arguments?: A
  options?: O
  load(): Promise<Module<Values<A, O>>>
}

const QUIET = flag('Print only the result and errors: no progress, notes or warnings', { short: 'q' })

/** A command whose arguments and options are declared. It also has the option `--quiet`. */
export function defineCommand<const A extends Arguments, const O extends Options>(spec: CommandSpec<A, O>): Command {
  const { load, arguments: declared = {}, options: own, ...documentation } = spec
  const options = Object.assign({}, own, { quiet: QUIET })
  return {
    ...documentation,
    kind: 'command',
    arguments: declared,
    options,
    isRaw: false,
    async run(args, io) {
      // The declarations are those of A and O, so their values are too.
      const values = readCommandLine({ arguments: declared, options }, args) as Values<A, O> & { quiet: boolean }
      return (await load()).run(values, values.quiet ? quietOf(io) : io)
    },
  }
}

/** Errors are printed with the other one. */
function quietOf(io: CliIo): CliIo {
  return { ...io, stderr: { write: () => undefined }, isQuiet: true }
}

export interface RawCommandSpec extends Documentation {
  /** For help and completion only. */
  arguments?: Arguments
  options?: Options
  usage: string
  load(): Promise<Module<readonly string[]>>
}

/** A command that parses its own arguments, because some of them belong to another program. */
export function defineRawCommand(spec: RawCommandSpec): Command {
  const { load, arguments: declared = {}, options = {}, ...documentation } = spec
  return {
    ...documentation,
    kind: 'command',
    arguments: declared,
    options,
    isRaw: true,
    run: async (args, io) => (await load()).run(args, io),
  }
}

export function defineGroup(group: Omit<CommandGroup, 'kind'>): CommandGroup {
  return { ...group, kind: 'group' }
}
