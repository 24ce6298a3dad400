import { ExecUsageError, execTrainer, parseExecArguments } from '@trainyard/sdk/exec'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'

export async function run(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await execTrainer({ ...parseExecArguments(args), cwd: io.cwd, env: io.env })
  } catch (error) {
    if (error instanceof ExecUsageError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}
