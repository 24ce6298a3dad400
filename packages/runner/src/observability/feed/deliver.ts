import type { Updateable } from 'kysely'
import type { ExperimentRow, ExperimentsTable } from '../../db/schema/experiments.ts'
import { BackendRefused, type ExperimentInfo, type Handle, type ObservabilityAdapter } from '../adapter.ts'
import type { ObservabilityContext } from '../context.ts'
import { type ExperimentKey, renewLease, saveProgress } from './leases.ts'
import {
  endOf,
  experimentInfo,
  readAttempt,
  readLines,
  readNextArtifact,
  readPoints,
  type StoredAttempt,
} from './read-feed.ts'

export interface DeliverOptions {
  owner: string
  instanceId: string
  jobPages: string
  leaseSeconds: number
  /** Must be shorter than the lease, so that two replicas never send at the same time. */
  callTimeoutMs: number
  /** Number of events or lines in one call. */
  batchSize: number
  /** If a backend is more events behind than this, the oldest ones are skipped. */
  maxBehind: number
}

/** Thrown when the lease expired and another replica took it. */
export class LeaseLost extends Error {}

type Progress = Updateable<ExperimentsTable>

/** The next thing to send. */
interface Step {
  kind: 'start' | 'params' | 'points' | 'artifact' | 'lines' | 'finish'
  count: number
  send(signal: AbortSignal): Promise<Handle | undefined>
  /** Stored after it was sent. */
  progress: Progress
  /** Number of events that are skipped before it. */
  skipped?: number | undefined
  /** A message about what was skipped. */
  note?: string | undefined
}

/**
 * Brings one backend up to date with one attempt: sends what is stored after its position and moves the position. After a
 * crash in between, the same content is sent again. Rejects with the backend's error; resolves when nothing is left to send.
 */
export async function deliver(
  context: ObservabilityContext,
  adapter: ObservabilityAdapter,
  key: ExperimentKey,
  options: DeliverOptions,
): Promise<void> {
  const { db } = context.database
  const { backends } = context.telemetry
  const ref = { jobId: key.job_id, attempt: key.attempt }
  const backend = adapter.name
  const save = async (values: Progress) => {
    const isSaved = await saveProgress(db, key, options.owner, { failures: 0, ...values })
    if (!isSaved) throw new LeaseLost()
  }

  for (;;) {
    const row = await renewLease(db, key, options.owner, options.leaseSeconds)
    if (row === undefined || row.state === 'finished' || row.state === 'given_up') return
    const stored = await readAttempt(context, ref)
    if (stored === undefined) return
    const step = await nextStep(context, adapter, row, stored, options)
    if (step === undefined) return
    try {
      const handle = await withTimeout(step.send, options.callTimeoutMs)
      // A success clears the last error, unless it says what was dropped.
      const last_error = step.note ?? (row.dropped > 0 ? row.last_error : null)
      const progress: Progress = { ...step.progress, last_error }
      if (handle !== undefined) {
        progress.handle = JSON.stringify(handle)
        progress.url = adapter.link(handle) ?? null
      }
      await save(progress)
      backends.sent.inc({ backend, kind: step.kind }, step.count)
      if (step.skipped !== undefined) backends.dropped.inc({ backend, why: 'behind' }, step.skipped)
    } catch (error) {
      if (!(error instanceof BackendRefused) || step.kind === 'start') throw error
      // A retry cannot succeed, and what follows must not wait for it.
      context.logger.warn({ err: error, ...ref, backend }, 'an observability backend refused a request')
      await save({ ...step.progress, dropped: row.dropped + step.count, last_error: error.message.slice(0, 1000) })
      backends.dropped.inc({ backend, why: 'refused' }, step.count)
    }
    if (step.kind === 'finish') return
  }
}

/** Rejects after the timeout, also if the backend ignores the signal. */
async function withTimeout<T>(work: (signal: AbortSignal) => Promise<T>, timeoutMs: number): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${timeoutMs} ms`))
      controller.abort()
    }, timeoutMs)
  })
  try {
    // Called inside a promise, so that a synchronous throw is a rejection too.
    return await Promise.race([Promise.resolve(controller.signal).then(work), timedOut])
  } finally {
    clearTimeout(timer)
  }
}

/** In this order: start, parameters, points, lines, artifacts, end. Undefined: nothing is left to send at present. */
async function nextStep(
  context: ObservabilityContext,
  adapter: ObservabilityAdapter,
  row: ExperimentRow,
  stored: StoredAttempt,
  options: DeliverOptions,
): Promise<Step | undefined> {
  const { attempt } = stored
  const { handle } = row
  const info = experimentInfo(stored, options)
  const end = endOf(attempt)
  if (row.state === 'waiting') {
    if (attempt.heard_at === null && end === undefined) return undefined
    return { kind: 'start', count: 1, progress: { state: 'open' }, send: (signal) => adapter.start(info, signal) }
  }
  if (!row.params_sent) {
    const progress = { params_sent: true }
    return { kind: 'params', count: 1, progress, send: (signal) => adapter.logParams(handle, info, signal) }
  }
  if (adapter.takes.metrics && attempt.last_seq > row.seq)
    return await pointsStep(context, adapter, row, attempt.last_seq, options)
  const content =
    (adapter.takes.lines ? await linesStep(context, adapter, row, info, options) : undefined) ??
    (adapter.takes.artifacts ? await artifactStep(context, adapter, row) : undefined)
  if (content !== undefined || end === undefined) return content
  return {
    kind: 'finish',
    count: 1,
    progress: { state: 'finished', finished_at: context.clock.now() },
    send: (signal) => adapter.finish(handle, end, info, signal),
  }
}

async function pointsStep(
  context: ObservabilityContext,
  adapter: ObservabilityAdapter,
  row: ExperimentRow,
  lastSeq: number,
  { maxBehind, batchSize }: DeliverOptions,
): Promise<Step> {
  const from = Math.max(row.seq, lastSeq - maxBehind)
  const skipped = from - row.seq
  const { points, seq } = await readPoints(context, refOf(row), from, batchSize)
  const step: Step = {
    kind: 'points',
    count: points.length,
    progress: { seq: Math.max(seq, from) },
    send: async (signal) => (points.length === 0 ? undefined : await adapter.logMetrics(row.handle, points, signal)),
  }
  if (skipped === 0) return step
  step.progress.dropped = row.dropped + skipped
  return { ...step, skipped, note: `${skipped} events were skipped because the backend was too far behind` }
}

async function linesStep(
  context: ObservabilityContext,
  adapter: ObservabilityAdapter,
  row: ExperimentRow,
  info: ExperimentInfo,
  { batchSize }: DeliverOptions,
): Promise<Step | undefined> {
  const lines = await readLines(context, refOf(row), row.line_id, batchSize)
  const last = lines.at(-1)
  if (last === undefined) return undefined
  return {
    kind: 'lines',
    count: lines.length,
    progress: { line_id: last.id },
    send: (signal) => adapter.logLines(row.handle, lines, info, signal),
  }
}

async function artifactStep(
  context: ObservabilityContext,
  adapter: ObservabilityAdapter,
  row: ExperimentRow,
): Promise<Step | undefined> {
  const next = await readNextArtifact(context, refOf(row), row.artifact_position)
  if (next === undefined) return undefined
  return {
    kind: 'artifact',
    count: 1,
    progress: { artifact_position: next.position },
    send: (signal) => adapter.logArtifact(row.handle, next.artifact, signal),
  }
}

function refOf(row: ExperimentRow) {
  return { jobId: row.job_id, attempt: row.attempt }
}
