import { parseArgs } from 'node:util'
import { isTerminalJobState } from '@trainyard/contract'
import type { CliIo, Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { interruptible } from '../../interrupt.ts'
import { exitCodeOf, followJob, printEnd } from '../../job-view.ts'
import { printJson } from '../../table.ts'
import { INTERRUPTED, sayItGoesOn } from '../../watching.ts'
import { parseJobId } from './arguments.ts'

const help = `Usage: trainyard jobs watch JOB [options]

Follows a job until it ends. Ctrl-C stops the watching, not the job.

Options:
${CONNECTION_HELP}

Exit codes: 0 succeeded, 1 failed or cancelled, 2 wrong usage, 3 failure, 130 interrupted.

Examples:
  trainyard jobs watch 42
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: connectionOptions })
  const id = parseJobId(positionals)
  const client = await connect(values, io)
  const json = values.json === true
  const job = await interruptible((signal) => followJob({ client, id, io, signal, silent: json }))
  if (json) printJson(io, { job })
  else printEnd(job, io)
  if (isTerminalJobState(job.state)) return exitCodeOf(job)
  if (!json) sayItGoesOn(job, io)
  return INTERRUPTED
}
