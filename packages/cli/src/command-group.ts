import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from './command.ts'
import { reportError } from './report-error.ts'

export interface Subcommand {
  summary: string
  load(): Promise<{ command: Command }>
}

export interface CommandGroupOptions {
  /** As it is called: "jobs". */
  name: string
  /** What follows `trainyard NAME <command>` in the first line of the help. */
  usage: string
  subcommands: Readonly<Record<string, Subcommand>>
  /** The rest of the help, with examples. */
  about: string
}

/** A command that has commands: `trainyard jobs ls`. Each is loaded when it is called, and prints its errors as JSON under `--json`. */
export function createCommandGroup({ name: group, usage, subcommands, about }: CommandGroupOptions): Command {
  const help = `Usage: trainyard ${group} <command> ${usage}

Commands:
${Object.entries(subcommands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

${about}`

  async function run(args: string[], io: CliIo): Promise<number> {
    const [name = '', ...rest] = args
    const entry = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
    if (entry === undefined) {
      const wanted = Object.keys(subcommands).join(', ')
      throw new UsageError(
        name === ''
          ? `which command? Wanted is one of ${wanted}`
          : `there is no command "${name}": wanted is one of ${wanted}`,
      )
    }
    const { command } = await entry.load()
    if (rest.includes('--help') || rest.includes('-h')) {
      io.stdout.write(command.help)
      return CLI_EXIT_CODES.ok
    }
    try {
      return await command.run(rest, io)
    } catch (error) {
      return reportError(
        error,
        { title: `trainyard ${group} ${name}`, json: rest.includes('--json'), help: command.help },
        io,
      )
    }
  }
  return { help, run }
}
