#!/usr/bin/env node
/**
 * `trainyard exec` alone. A runner puts it on the PATH of the trainers that it starts as processes, so that a trainer in
 * another language needs no package of ours.
 */
import { ExecUsageError, parseExecArguments } from './arguments.ts'
import { execTrainer } from './exec-trainer.ts'

const [command, ...args] = process.argv.slice(2)
try {
  if (command !== 'exec') {
    throw new ExecUsageError(`"${command ?? ''}" does not exist here: a platform offers its trainers "trainyard exec"`)
  }
  process.exitCode = await execTrainer({ ...parseExecArguments(args), cwd: process.cwd(), env: process.env })
} catch (error) {
  if (!(error instanceof Error)) throw error
  process.stderr.write(`trainyard: ${error.message}\n`)
  process.exitCode = error instanceof ExecUsageError || error.name === 'TypeError' ? 2 : 1
}
