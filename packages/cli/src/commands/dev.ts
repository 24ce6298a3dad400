import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { readManifest } from '@trainyard/client/files'
import { Operation } from '@trainyard/contract'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { ownCommand } from '../own-command.ts'

const help = `Usage: trainyard dev [train|predict|export] [arguments for the trainer]

Runs the entry point of the trainer in this folder without a platform: progress on the terminal, journal and artifacts
under ./runs. Everything after the operation (default: train) goes to the trainer as it is. Exits as the trainer does.

Examples:
  trainyard dev
  trainyard dev train --dataset ./shapes --epochs 3
  trainyard dev export --format onnx
`

export const command: Command = { help, run }

/** A job's own variables: with them the SDK would look for a platform. */
const PLATFORM_VARIABLES = ['CALLBACK_URL', 'CALLBACK_TOKEN', 'CALLBACK_TOKEN_FILE', 'JOB_ID', 'JOB_ATTEMPT']

async function run(args: string[], io: CliIo): Promise<number> {
  const asked = Operation.safeParse(args[0])
  if (!asked.success && args[0] !== undefined && !args[0].startsWith('-'))
    throw new UsageError(`there is no operation "${args[0]}": wanted train, predict or export`)
  const operation = asked.success ? asked.data : 'train'
  const { manifest } = await readManifest(io.cwd)
  const entrypoint = manifest.entrypoints[operation]
  if (entrypoint === undefined) {
    const has = Operation.options.filter((name) => manifest.entrypoints[name] !== undefined).join(', ')
    throw new UsageError(`${manifest.name} has no entry point for ${operation}, only for ${has}`)
  }
  const [program, ...programArgs] = commandLine(entrypoint, asked.success ? args.slice(1) : args)
  return runProgram(program, programArgs, {
    cwd: io.cwd,
    env: localEnvironment(operation, io.env),
  })
}

/** Entry point and arguments; those for `trainyard exec` go before its `--`, and this very program runs it. */
function commandLine(entrypoint: readonly string[], args: readonly string[]): [string, ...string[]] {
  const [program = '', ...fixed] = entrypoint
  if (program !== 'trainyard') return [program, ...fixed, ...args]
  const at = fixed.indexOf('--')
  const own = at < 0 ? [...fixed, ...args] : [...fixed.slice(0, at), ...args, ...fixed.slice(at)]
  return [...ownCommand(), ...own]
}

function localEnvironment(operation: Operation, env: CliIo['env']): NodeJS.ProcessEnv {
  const local: NodeJS.ProcessEnv = { ...env, OPERATION: operation }
  for (const name of PLATFORM_VARIABLES) delete local[name]
  return local
}

function runProgram(
  program: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: 'inherit' })
    // Ctrl-C reaches the whole group: the trainer decides how to stop, and we wait for it.
    const ignore = () => undefined
    const terminate = () => child.kill('SIGTERM')
    process.on('SIGINT', ignore)
    process.on('SIGTERM', terminate)
    const finish = () => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', terminate)
    }
    child.once('error', (cause) => {
      finish()
      const missing = 'code' in cause && cause.code === 'ENOENT'
      reject(
        missing
          ? new Error(`"${program}", with which trainer.json starts it, is not installed or not in PATH`, { cause })
          : cause,
      )
    })
    child.once('exit', (code, signal) => {
      finish()
      // As a shell reports it.
      resolve(code ?? (signal === null ? CLI_EXIT_CODES.failed : 128 + constants.signals[signal]))
    })
  })
}
