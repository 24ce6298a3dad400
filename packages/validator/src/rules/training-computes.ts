import { eventsOf, type OperationRecord, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Shorter pauses can be chance. */
const MIN_IDLE_MS = 1000
const MIN_SHARE = 0.6
/** A process that only waits for a timer uses less of a processor. */
const IDLE_CPU_SHARE = 0.1
const TICK_MS = 10
/** In less time, ticks say little. */
const WINDOW_MS = 100

export const trainingComputes: ComplianceRule = {
  code: 'TY614',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY614'),
  help: 'Train in every epoch. Do not wait for time to pass.',
  check(record) {
    const run = plainRun(record, 'train')
    // What a GPU computes is not seen in the time of the processors.
    if (run?.job.state !== 'succeeded' || (record.manifest.resources.gpu ?? 0) > 0) return []
    const times = eventsOf(run, 'progress', 'validation')
      .filter(({ body }) => typeof body.epoch === 'number')
      .map(({ receivedAt }) => Date.parse(receivedAt))
    const [from, to] = [Math.min(...times), Math.max(...times)]
    const { idleMs, ownMs } = measureIdle(run, { from, to })
    if (idleMs < MIN_IDLE_MS || idleMs < MIN_SHARE * ownMs) return []
    const message = `train: from the first epoch to the last one, ${seconds(to - from)} s passed, in which the trainer computed nothing and requested nothing for ${seconds(idleMs)} s`
    return [{ message, subject: 'idle' }]
  },
}

/**
 * For how long the trainer could have used a processor while no request waited for its response, and for how much of that no thread used
 * it. While the trainer's threads wait for a processor that others use, nothing is known of it.
 */
function measureIdle(
  { processes: { moments }, requests }: OperationRecord,
  { from, to }: { from: number; to: number },
): { idleMs: number; ownMs: number } {
  let idleMs = 0
  let ownMs = 0
  let window = { freeMs: 0, cpuMs: 0, isActive: false }
  const queued = waitsOf(moments)
  for (const [index, moment] of moments.entries()) {
    const before = moments[index - 1]
    if (before === undefined) continue
    // The first and the last interval reach beyond the epochs. Their time of processors counts as a whole.
    const [start, end] = [Math.max(before.at, from), Math.min(moment.at, to)]
    if (start >= end) continue
    const waited = requests.reduce(
      (sum, request) => sum + Math.max(0, Math.min(request.to, end) - Math.max(request.from, start)),
      queued[index] ?? 0,
    )
    window.freeMs += Math.max(0, end - start - waited)
    window.cpuMs += moment.cpuMs - before.cpuMs
    window.isActive ||= moment.isActive
    if (window.freeMs < WINDOW_MS && end < to) continue
    ownMs += window.freeMs
    if (!window.isActive && window.cpuMs <= Math.max(TICK_MS, IDLE_CPU_SHARE * window.freeMs)) idleMs += window.freeMs
    window = { freeMs: 0, cpuMs: 0, isActive: false }
  }
  return { idleMs, ownMs }
}

/**
 * For how long threads waited for a processor before each moment. The kernel adds a wait at its end: what is longer than the time
 * since the moment before was spent earlier.
 */
function waitsOf(moments: OperationRecord['processes']['moments']): number[] {
  const waits = moments.map(() => 0)
  let earlierMs = 0
  for (let index = moments.length - 1; index > 0; index--) {
    const [before, moment] = [moments[index - 1], moments[index]]
    if (before === undefined || moment === undefined) continue
    const waitedMs = earlierMs + Math.max(0, moment.waitedMs - before.waitedMs)
    waits[index] = Math.min(waitedMs, moment.at - before.at)
    earlierMs = waitedMs - (waits[index] ?? 0)
  }
  return waits
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
