#!/usr/bin/env node
/**
 * The command `trainyard exec` without the rest of the command line. A runner adds it to the PATH of trainers that it starts as
 * processes: trainers in other languages then need no npm package.
 */
import { ExecUsageError, parseExecArguments } from './arguments.ts'
import { execTrainer } from './exec-trainer.ts'

const [command, ...args] = process.argv.slice(2)
try {
  if (command !== 'exec') {
    throw new ExecUsageError(
      `unknown command "${command ?? ''}"; expected "exec", the only command for trainers on a platform`,
    )
  }
  process.exitCode = await execTrainer({ ...parseExecArguments(args), cwd: process.cwd(), env: process.env })
} catch (error) {
  if (!(error instanceof Error)) throw error
  process.stderr.write(`trainyard: ${error.message}\n`)
  process.exitCode = error instanceof ExecUsageError || error.name === 'TypeError' ? 2 : 1
}
