import { readManifest } from '@trainyard/client/files'
import {
  BRIDGE_PROGRAM,
  type Bridge,
  bridgeArguments,
  type Declared,
  explainMissingModule,
  findMissingModule,
  Operation,
  pythonOf,
} from '@trainyard/contract'
import { suggest } from '@trainyard/contract/format'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { checkSettings } from './dev/check-settings.ts'
import { ownCommand } from './dev/own-command.ts'
import { findProgram, prepareEnvironment } from './dev/prepare-environment.ts'
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
  const environment = await prepareEnvironment(manifest, io)
  const env = { ...localEnvironment(operation, io.env), ...environment?.variables }
  const { exitCode, errorOutput } = await runProgram(program, programArgs, { cwd: io.cwd, env })
  const missing = exitCode === EXIT_CODES.ok ? undefined : findMissingModule(errorOutput)
  if (missing !== undefined) {
    const declared: Declared = environment === undefined ? { in: 'nothing' } : { in: 'file', file: environment.file }
    const interpreter = findProgram(pythonOf(entrypoint), env) ?? 'the Python of the entry point'
    io.stderr.write(`\n${explainMissingModule(missing, interpreter, declared)}\n`)
  }
  return exitCode
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
