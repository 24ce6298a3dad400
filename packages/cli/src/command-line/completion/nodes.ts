import type { Command, Program } from '../command.ts'
import type { Completion } from '../values.ts'

/** A place in a command line, and what can follow there. */
export interface Node {
  /** The words of the command: `[]`, `['jobs']` or `['jobs', 'ls']`. */
  path: readonly string[]
  /** Commands that can follow. */
  commands: readonly { name: string; summary: string }[]
  options: readonly NodeOption[]
  /** The positional arguments. */
  arguments: readonly NodeArgument[]
}

export interface NodeOption {
  /** Without hyphens. The first one is the main name. */
  names: readonly string[]
  short: string | undefined
  description: string
  /** Undefined for a flag. */
  value: NodeArgument | undefined
}

export interface NodeArgument {
  placeholder: string
  completion: Completion | undefined
  isRepeatable: boolean
}

const HELP: NodeOption = { names: ['help'], short: 'h', description: 'Show help', value: undefined }

/** Every place of the program where something can be completed. */
export function listNodes({ commands }: Program): Node[] {
  const nodes: Node[] = [{ path: [], commands: summaries(commands), options: [HELP], arguments: [] }]
  for (const [name, entry] of Object.entries(commands)) {
    if (entry.kind === 'command') nodes.push(commandNode([name], entry))
    else {
      nodes.push({ path: [name], commands: summaries(entry.commands), options: [HELP], arguments: [] })
      for (const [subname, command] of Object.entries(entry.commands)) nodes.push(commandNode([name, subname], command))
    }
  }
  return nodes
}

function summaries(commands: Readonly<Record<string, { summary: string }>>) {
  return Object.entries(commands).map(([name, { summary }]) => ({ name, summary }))
}

function commandNode(path: readonly string[], command: Command): Node {
  const options = Object.entries(command.options).map(
    ([name, { alias, short, description, placeholder, completion, isRepeatable }]): NodeOption => ({
      names: alias === undefined ? [name] : [name, alias],
      short,
      description,
      value: placeholder === undefined ? undefined : { placeholder, completion, isRepeatable: isRepeatable === true },
    }),
  )
  return {
    path,
    commands: [],
    options: [...options, HELP],
    arguments: Object.values(command.arguments).map(({ placeholder, completion, max }) => ({
      placeholder,
      completion,
      isRepeatable: max > 1,
    })),
  }
}
