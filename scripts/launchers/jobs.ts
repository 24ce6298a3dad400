import { type CreateJobInput, isTerminalJobState, type Job, type StoredEvent } from '@trainyard/contract'
import { readEvents } from '../../packages/testing/src/read-events.ts'
import type { RunningServer } from '../../tests/e2e/server.ts'

const POLL_MS = 200
const JOB_MS = 1_800_000

const pause = () => new Promise((done) => setTimeout(done, POLL_MS))

export async function readJob(
  { client }: RunningServer,
  id: number,
): Promise<{ job: Job; events: StoredEvent[]; log: string }> {
  const job = await client.jobs.get(id)
  const events = await readEvents(client, id)
  const { lines } = await client.jobs.logs(id, { from: 'end', limit: 60 })
  return { job, events, log: lines.map(({ message }) => message).join('\n') }
}

/** Waits for something of a job. A job that ends before fails. */
export async function until(server: RunningServer, id: number, what: string, reached: (job: Job) => Promise<boolean>) {
  const ends = performance.now() + JOB_MS
  for (;;) {
    const job = await server.client.jobs.get(id)
    if (await reached(job)) return
    if (isTerminalJobState(job.state) || performance.now() > ends) {
      const { log } = await readJob(server, id)
      throw new Error(`job ${id} is ${job.state} before ${what}: ${JSON.stringify(job.error)}\n${log}`)
    }
    await pause()
  }
}

/** Runs a job to its end. Throws with its log if it does not succeed. */
export async function runJob(server: RunningServer, input: CreateJobInput) {
  const { id } = await server.client.jobs.create(input)
  await until(server, id, 'its end', async ({ state }) => isTerminalJobState(state))
  const result = await readJob(server, id)
  if (result.job.state !== 'succeeded')
    throw new Error(`job ${id} is ${result.job.state}: ${JSON.stringify(result.job.error)}\n${result.log}`)
  return result
}

/** The epochs that an attempt has validated, in order. */
export const epochsOf = (events: readonly StoredEvent[], attempt: number): number[] =>
  events
    .filter((event) => event.type === 'validation' && event.attempt === attempt)
    .map(({ body }) => Number(body.epoch))
