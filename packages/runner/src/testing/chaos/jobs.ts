import { setTimeout as sleep } from 'node:timers/promises'
import { type CreateJobInput, Job, type JobState } from '@trainyard/contract'
import { CHECKPOINT_ID, DATASET_ID } from './stage.ts'

/** A job that was asked for, and how it has to end. */
export interface ChaosJob {
  id: number
  kind: JobKind
  ends: readonly JobState[]
  reason?: string
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
const EPOCHS: Partial<Record<JobKind, number>> = { slow: 60, cancel: 400 }

export async function submit(
  url: string,
  { kind, random, index, pace = 1 }: { kind: JobKind; random: () => number; index: number; pace?: number | undefined },
): Promise<ChaosJob> {
  const epochs = EPOCHS[kind] ?? 8 + Math.floor(random() * 15)
  const input: CreateJobInput = {
    trainer: 'acme/chaos',
    // Nobody knows whether a request whose answer got lost was carried out.
    idempotencyKey: `chaos-${index}`,
    maxRetries: 20,
    priority: Math.floor(random() * 3),
    config: {
      epochs,
      epoch_ms: Math.round(pace * (20 + random() * 40)),
      ...(kind === 'fail' ? { ending: 'failed' } : {}),
      ...(kind === 'retry' ? { fail_attempts: 1 } : {}),
    },
    ...(OPERATIONS[kind] ?? { dataset: DATASET_ID }),
  }
  const headers = { 'content-type': 'application/json' }
  const response = await ask(url, '/v1/jobs', { method: 'POST', headers, body: JSON.stringify(input) })
  if (!response.ok) throw new Error(`job not created: ${await response.text()}`)
  const { id } = Job.parse(await response.json())
  const end = ENDS[kind]
  return { id, kind, epochs, ends: [end?.state ?? 'succeeded'], ...(end === undefined ? {} : { reason: end.reason }) }
}

/** Until somebody answers, with what is wanted. */
export async function ask(url: string, path: string, init?: RequestInit): Promise<Response> {
  for (;;) {
    try {
      const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(20_000) })
      if (response.status < 500 && response.status !== 429) return response
      await response.body?.cancel()
    } catch {
      // Everybody is down just now.
    }
    await sleep(50)
  }
}

/** How many of these are over; `over` remembers those that were. */
export async function countOver(url: string, jobs: readonly ChaosJob[], over: Set<number>): Promise<number> {
  const states = await Promise.all(
    jobs.map(async ({ id }) => {
      if (over.has(id)) return true
      const job = Job.parse(await (await ask(url, `/v1/jobs/${id}`)).json())
      const isOver = ['succeeded', 'failed', 'cancelled'].includes(job.state)
      if (isOver) over.add(id)
      return isOver
    }),
  )
  return states.filter(Boolean).length
}

/** Until all are over, or time is. */
export async function waitUntilOver(
  url: string,
  jobs: readonly ChaosJob[],
  over: Set<number>,
  ms: number,
): Promise<void> {
  const endsAt = performance.now() + ms
  while ((await countOver(url, jobs, over)) < jobs.length && performance.now() < endsAt) await sleep(250)
}
