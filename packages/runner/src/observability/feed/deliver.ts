import type { ExperimentRow } from '../../db/schema/experiments.ts'
import { BackendRefused, type ExperimentInfo, type Handle, type ObservabilityAdapter } from '../adapter.ts'
import type { ObservabilityContext } from '../context.ts'
import { type ExperimentKey, renewLease, saveProgress } from './leases.ts'
import { endOf, experimentInfo, readAttempt, readLines, readNextArtifact, readPoints } from './read-feed.ts'

export interface DeliverOptions {
  owner: string
  instanceId: string
  jobPages: string
  leaseSeconds: number
  /** After this long a call is broken off; shorter than the lease, so that no two replicas ever send at a time. */
  callTimeoutMs: number
  /** Events or lines at a time. */
  batchSize: number
  /** An attempt that is further behind loses its oldest events. */
  maxBehind: number
}

/**
 * Brings one backend up to date about one attempt: what is stored after its position is sent, then the position is moved.
 * Dying in between means sending again. Throws what the backend threw; resolves once there is nothing more to say.
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
  const call = async <T>(work: (signal: AbortSignal) => Promise<T>) => await inTime(work, options.callTimeoutMs)
  const save = async (values: Parameters<typeof saveProgress>[3], handle?: Handle) => {
    const withHandle = handle === undefined ? {} : { handle: JSON.stringify(handle), url: adapter.link(handle) ?? null }
    const kept = await saveProgress(db, key, options.owner, { failures: 0, ...values, ...withHandle })
    if (!kept) throw new LeaseLost()
  }

  for (;;) {
    const row = await renewLease(db, key, options.owner, options.leaseSeconds)
    if (row === undefined || row.state === 'finished' || row.state === 'given_up') return
    const found = await readAttempt(context, ref)
    if (found === undefined) return
    const info = experimentInfo(found, options)
    const step = await nextStep(context, adapter, { row, info, ...found }, options)
    if (step === undefined) return
    try {
      const handle = (await call(step.send)) ?? undefined
      // An error is forgotten once things go on; what was left out stays written.
      await save({ ...step.progress, last_error: step.note ?? (row.dropped > 0 ? row.last_error : null) }, handle)
      backends.sent.inc({ backend, kind: step.kind }, step.count)
      if (step.skipped !== undefined) backends.dropped.inc({ backend, why: 'behind' }, step.skipped)
    } catch (error) {
      if (!(error instanceof BackendRefused) || step.kind === 'start') throw error
      // It will never take this, whatever the number of tries: what comes after it must not wait for that.
      context.logger.warn({ err: error, ...ref, backend }, 'an observability backend refused something')
      await save({ ...step.progress, dropped: row.dropped + step.count, last_error: error.message.slice(0, 1000) })
      backends.dropped.inc({ backend, why: 'refused' }, step.count)
    }
    if (step.final) return
  }
}

/** A backend that ignores the signal does not hold us up either. */
async function inTime<T>(work: (signal: AbortSignal) => Promise<T>, timeoutMs: number): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${timeoutMs} ms`))
      controller.abort()
    }, timeoutMs)
  })
  try {
    // Inside a promise from the start: what throws at once is a failure as any other.
    return await Promise.race([Promise.resolve(controller.signal).then(work), late])
  } finally {
    clearTimeout(timer)
  }
}

/** The lease ran out and somebody else goes on. */
export class LeaseLost extends Error {}

interface Step {
  kind: 'start' | 'params' | 'points' | 'artifact' | 'lines' | 'finish'
  count: number
  send(signal: AbortSignal): Promise<Handle | undefined>
  /** Written down once it is sent. */
  progress: Parameters<typeof saveProgress>[3]
  final?: boolean
  skipped?: number
  note?: string
}

async function nextStep(
  context: ObservabilityContext,
  adapter: ObservabilityAdapter,
  state: { row: ExperimentRow; info: ExperimentInfo } & NonNullable<Awaited<ReturnType<typeof readAttempt>>>,
  options: DeliverOptions,
): Promise<Step | undefined> {
  const { row, info, attempt } = state
  const { handle } = row
  const ref = { jobId: row.job_id, attempt: row.attempt }
  const end = endOf(attempt)
  if (row.state === 'waiting') {
    if (attempt.heard_at === null && end === undefined) return undefined
    const progress = { state: 'open' as const }
    return { kind: 'start', count: 1, progress, send: (signal) => adapter.start(info, signal) }
  }
  if (!row.params_sent) {
    const progress = { params_sent: true }
    return { kind: 'params', count: 1, progress, send: (signal) => adapter.logParams(handle, info, signal) }
  }
  if (adapter.takes.metrics && attempt.last_seq > row.seq) {
    const from = Math.max(row.seq, attempt.last_seq - options.maxBehind)
    const skipped = from - row.seq
    const { points, seq } = await readPoints(context, ref, from, options.batchSize)
    return {
      kind: 'points',
      count: points.length,
      progress: { seq: Math.max(seq, from), ...(skipped > 0 ? { dropped: row.dropped + skipped } : {}) },
      send: async (signal) => (points.length === 0 ? undefined : await adapter.logMetrics(handle, points, signal)),
      ...(skipped > 0 ? { skipped, note: `${skipped} events were left out: the backend was too far behind` } : {}),
    }
  }
  if (adapter.takes.lines) {
    const { lines } = await readLines(context, ref, row.line_id, options.batchSize)
    const last = lines.at(-1)
    if (last !== undefined) {
      const send: Step['send'] = (signal) => adapter.logLines(handle, lines, info, signal)
      return { kind: 'lines', count: lines.length, progress: { line_id: last.id }, send }
    }
  }
  if (adapter.takes.artifacts) {
    const next = await readNextArtifact(context, ref, row.artifact_position)
    if (next !== undefined) {
      const send: Step['send'] = (signal) => adapter.logArtifact(handle, next.artifact, signal)
      return { kind: 'artifact', count: 1, progress: { artifact_position: next.position }, send }
    }
  }
  if (end === undefined) return undefined
  const progress = { state: 'finished' as const, finished_at: context.clock.now() }
  return {
    kind: 'finish',
    count: 1,
    progress,
    final: true,
    send: (signal) => adapter.finish(handle, end, info, signal),
  }
}
