import { setTimeout as sleep } from 'node:timers/promises'
import { type CreateJobInput, Job, type JobState } from '@trainyard/contract'
import { CHECKPOINT_ID, DATASET_ID } from './seed-database.ts'

/** A submitted job, and how it must end. */
export interface ChaosJob {
  id: number
  kind: JobKind
  ends: readonly JobState[]
  reason?: string | undefined
  epochs: number
}

export type JobKind = 'succeed' | 'slow' | 'retry' | 'predict' | 'export' | 'fail' | 'cancel'

export const JOB_KINDS: readonly [kind: JobKind, share: number][] = [
  ['succeed', 3],
  ['slow', 2],
  ['retry', 2],
  ['predict', 2],
  ['export', 1],
  ['fail', 1],
  ['cancel', 2],
]

const OPERATIONS: Partial<Record<JobKind, Partial<CreateJobInput>>> = {
  predict: { operation: 'predict', checkpoint: CHECKPOINT_ID, dataset: DATASET_ID },
  export: { operation: 'export', checkpoint: CHECKPOINT_ID, exportFormat: 'onnx' },
}
const ENDS: Partial<Record<JobKind, { state: JobState; reason: string }>> = {
  fail: { state: 'failed', reason: 'dataset_error' },
  cancel: { state: 'cancelled', reason: 'cancelled_by_user' },
}
/** Settings of the trainer by which it fails. */
const ENDINGS: Partial<Record<JobKind, Record<string, unknown>>> = {
  fail: { ending: 'failed' },
  retry: { fail_attempts: 1 },
}
const EPOCHS: Partial<Record<JobKind, number>> = { slow: 60, cancel: 400 }

export interface SubmitOptions {
  kind: JobKind
  random: () => number
  /** Makes the idempotency key, so that a request can be repeated after its response was lost. */
  index: number
  /** Factor for the length of the job. Default: 1. */
  pace?: number | undefined
}

export async function submitJob(url: string, { kind, random, index, pace = 1 }: SubmitOptions): Promise<ChaosJob> {
  const epochs = EPOCHS[kind] ?? 8 + Math.floor(random() * 15)
  const input: CreateJobInput = {
    trainer: 'acme/chaos',
    idempotencyKey: `chaos-${index}`,
    maxRetries: 20,
    priority: Math.floor(random() * 3),
    config: {
      epochs,
      epoch_ms: Math.round(pace * (20 + random() * 40)),
      ...ENDINGS[kind],
    },
    ...(OPERATIONS[kind] ?? { dataset: DATASET_ID }),
  }
  const headers = { 'content-type': 'application/json' }
  const response = await sendWithRetries(url, '/v1/jobs', { method: 'POST', headers, body: JSON.stringify(input) })
  if (!response.ok) throw new Error(`could not create a job: ${await response.text()}`)
  const { id } = Job.parse(await response.json())
  const end = ENDS[kind]
  return { id, kind, epochs, ends: [end?.state ?? 'succeeded'], reason: end?.reason }
}

/** Repeats a request until a replica answers it without a server error. */
export async function sendWithRetries(url: string, path: string, init?: RequestInit): Promise<Response> {
  for (;;) {
    try {
      const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(20_000) })
      if (response.status < 500 && response.status !== 429) return response
      await response.body?.cancel()
    } catch {
      // No replica is running.
    }
    await sleep(50)
  }
}

/** How many of the jobs have ended. Remembers them in `over`. */
export async function countOver(url: string, jobs: readonly ChaosJob[], over: Set<number>): Promise<number> {
  const states = await Promise.all(
    jobs.map(async ({ id }) => {
      if (over.has(id)) return true
      const job = Job.parse(await (await sendWithRetries(url, `/v1/jobs/${id}`)).json())
      const isOver = ['succeeded', 'failed', 'cancelled'].includes(job.state)
      if (isOver) over.add(id)
      return isOver
    }),
  )
  return states.filter(Boolean).length
}

/** Waits until all jobs have ended, or until the time is up. */
export async function waitUntilOver(
  url: string,
  jobs: readonly ChaosJob[],
  over: Set<number>,
  timeoutMs: number,
): Promise<void> {
  const endsAt = performance.now() + timeoutMs
  while ((await countOver(url, jobs, over)) < jobs.length && performance.now() < endsAt) await sleep(250)
}
