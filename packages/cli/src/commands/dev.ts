import { readManifest } from '@trainyard/client/files'
import { BRIDGE_PROGRAM, type Bridge, bridgeArguments, Operation } from '@trainyard/contract'
import type { CliIo } from '../command-line/io.ts'
import { suggest } from '../command-line/suggest.ts'
import { UsageError } from '../errors.ts'
import { checkSettings } from './dev/check-settings.ts'
import { ownCommand } from './dev/own-command.ts'
import { runProgram } from './dev/run-program.ts'

/** Variables of a job on a platform. With them the SDK would connect to it. */
const PLATFORM_VARIABLES = ['CALLBACK_URL', 'CALLBACK_TOKEN', 'CALLBACK_TOKEN_FILE', 'JOB_ID', 'JOB_ATTEMPT']

export async function run(args: readonly string[], io: CliIo): Promise<number> {
  const { operation, rest } = readOperation(args)
  const { manifest } = await readManifest(io.cwd)
  const entrypoint = manifest.entrypoints[operation]
  if (entrypoint === undefined) {
    const existing = Operation.options.filter((name) => manifest.entrypoints[name] !== undefined).join(', ')
    throw new UsageError(`${manifest.name} has no entry point for ${operation}, only for ${existing}`)
  }
  checkSettings(rest, manifest)
  const [program, ...programArgs] = commandLine(entrypoint, rest, manifest.bridge)
  return runProgram(program, programArgs, { cwd: io.cwd, env: localEnvironment(operation, io.env) })
}

function readOperation(args: readonly string[]): { operation: Operation; rest: readonly string[] } {
  const [first, ...others] = args
  const operation = Operation.safeParse(first)
  if (operation.success) return { operation: operation.data, rest: others }
  if (first === undefined || first.startsWith('-')) return { operation: 'train', rest: args }
  throw new UsageError(
    `unknown operation "${first}": expected train, predict or export${suggest(first, Operation.options)}`,
  )
}

/** Entry point and arguments. Those of `trainyard exec` belong before its `--`, and this program runs it. */
function commandLine(
  entrypoint: readonly string[],
  args: readonly string[],
  bridge: Bridge | undefined,
): [string, ...string[]] {
  const [program = '', ...fixed] = entrypoint
  if (bridge !== undefined) return [...ownCommand(), ...bridgeArguments(bridge, args), program, ...fixed]
  if (program !== BRIDGE_PROGRAM) return [program, ...fixed, ...args]
  const at = fixed.indexOf('--')
  const own = at < 0 ? [...fixed, ...args] : [...fixed.slice(0, at), ...args, ...fixed.slice(at)]
  return [...ownCommand(), ...own]
}

function localEnvironment(operation: Operation, env: CliIo['env']): NodeJS.ProcessEnv {
  const local: NodeJS.ProcessEnv = { ...env, OPERATION: operation }
  for (const name of PLATFORM_VARIABLES) delete local[name]
  return local
}
