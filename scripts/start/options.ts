import { parseArgs } from 'node:util'

export interface StartOptions {
  /** Folder of all data. Default: `.trainyard` in the current folder. */
  dataDir: string
  /** Default 7600; 0 takes any free port. */
  port: number
  /** Default 127.0.0.1: only this machine. */
  host: string
  /** Ends after the main job instead of staying up. */
  once: boolean
  /** Starts the servers only. */
  serve: boolean
  /** Also runs trainers of others where no sandbox can be used. */
  allowUnsandboxed: boolean
  /** Starts nothing: prints a link that signs a browser in as the local owner. */
  link?: boolean | undefined
  /** Starts nothing: prints a link with which the person with this email chooses a new password. */
  resetPassword?: string | undefined
}

export const START_HELP = `Usage: npm start [-- options]

Starts registry, runner and web in one process, publishes the trainer of handwritten digits,
trains a model with it and stays up until Ctrl-C.

Options:
  --once          end after the training: exit code 0 if all went well
  --serve         start the servers only, run nothing
  --port N        port to listen on (default 7600, or PORT); 0 takes any free one
  --data DIR      folder for all data (default .trainyard, or TRAINYARD_DATA_DIR)
  --allow-unsandboxed
                  run trainers of others also where this machine has no sandbox for them
  --link          start nothing; print a one-time link that signs a browser in (AUTH=local)
  --reset-password EMAIL
                  start nothing; print a one-time link to choose a new password
  --help          show this help

Environment:
  DATABASE_URL    a PostgreSQL to use instead of the embedded one
  S3_ENDPOINT …   an object store to use instead of the folder (docs/configuration.md)

Examples:
  npm start
  npm start -- --once
  npm start -- --serve --port 8080 --data /srv/trainyard
`

/** A wrong command line: the message says what is expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads the command line and the environment; undefined when only help was asked for. */
export function readStartOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StartOptions | undefined {
  const { values } = parse(args)
  if (values.help) return undefined
  const port = values.port ?? env.PORT ?? '7600'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(`--port is "${port}"; expected a number from 0 to 65535`)
  }
  if (values.once && values.serve) throw new UsageError('--once and --serve cannot be used together')
  return {
    dataDir: values.data ?? env.TRAINYARD_DATA_DIR ?? '.trainyard',
    port: Number(port),
    host: '127.0.0.1',
    once: values.once,
    serve: values.serve,
    allowUnsandboxed: values['allow-unsandboxed'],
    link: values.link,
    resetPassword: values['reset-password'],
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean', default: false },
        serve: { type: 'boolean', default: false },
        port: { type: 'string' },
        data: { type: 'string' },
        'allow-unsandboxed': { type: 'boolean', default: false },
        link: { type: 'boolean', default: false },
        'reset-password': { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
