import { parseArgs } from 'node:util'
import { ConfigError } from '@trainyard/platform'
import type { Terminal } from '../lib/terminal.ts'

export interface CommandOptions {
  help: string
  /** The option that names the backup: `to` or `from`. */
  backup: 'to' | 'from'
  run(options: { dataDir: string; backup: string; onProgress(text: string): void }): Promise<string>
  terminal: Terminal
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
}

/** Reads `--data` and `--to` or `--from`, shows progress, and returns the exit code. */
export async function runBackupCommand({ help, backup, run, terminal, args, env }: CommandOptions): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: { type: 'string', default: env.TRAINYARD_DATA_DIR ?? '.trainyard' },
        [backup]: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help === true) {
      terminal.line(help)
      return 0
    }
    const named = values[backup]
    if (typeof named !== 'string' || typeof values.data !== 'string' || named === '') {
      terminal.line(`--${backup} is missing: expected the folder of the backup\n\n${help}`)
      return 2
    }
    terminal.line(await run({ dataDir: values.data, backup: named, onProgress: (text) => terminal.status(text) }))
    return 0
  } catch (error) {
    const isExpected = error instanceof ConfigError || (error instanceof TypeError && 'code' in error)
    terminal.line(isExpected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error))
    return isExpected ? 2 : 1
  }
}
