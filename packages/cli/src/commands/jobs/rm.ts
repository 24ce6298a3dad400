import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { TrainyardApiError, type TrainyardClient } from '@trainyard/client'
import { isTerminalJobState } from '@trainyard/contract'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson } from '../../table.ts'
import { parseJobIds } from './arguments.ts'

const help = `Usage: trainyard jobs rm JOB [JOB …] [options]

Deletes jobs that have ended, with everything they kept: events, metrics, logs and files.

Options:
${CONNECTION_HELP}

Examples:
  trainyard jobs rm 42
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: connectionOptions })
  const ids = parseJobIds(positionals)
  const client = await connect(values, io)
  for (const id of ids) {
    await deleteJob(client, id)
    if (!values.json) io.stdout.write(`job ${id} is deleted\n`)
  }
  if (values.json) printJson(io, { deleted: ids })
  return CLI_EXIT_CODES.ok
}

const MAX_WAITS = 30

/** A job that has just ended may still have its process: it is waited for, half a minute at most. */
async function deleteJob(client: TrainyardClient, id: number): Promise<void> {
  for (let waits = 0; ; waits++) {
    try {
      return await client.jobs.delete(id)
    } catch (error) {
      const isConflict = error instanceof TrainyardApiError && error.code === 'conflict'
      if (!isConflict || waits === MAX_WAITS || !isTerminalJobState((await client.jobs.get(id)).state)) throw error
      await sleep(1000)
    }
  }
}
