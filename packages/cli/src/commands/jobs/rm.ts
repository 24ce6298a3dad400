import { setTimeout as sleep } from 'node:timers/promises'
import { TrainyardApiError, type TrainyardClient } from '@trainyard/client'
import { isTerminalJobState } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface DeleteInput extends ServerValues {
  jobs: number[]
  json: boolean
}

export async function run({ jobs, json, ...server }: DeleteInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  for (const id of jobs) {
    await deleteJob(client, id)
    if (!json) io.stdout.write(`deleted job ${id}\n`)
  }
  if (json) printJson(io, { deleted: jobs })
  return EXIT_CODES.ok
}

const MAX_WAITS = 30

/** The process of a job that has just finished may still be ending: waits for it, up to 30 s. */
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
