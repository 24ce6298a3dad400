/**
 * The life of a job as a workflow. It only decides what is next; the runner's verbs do it, and the database says what is true.
 * Workflows of earlier versions must be able to continue on this code: a change of the order of its steps needs `patched`, and the
 * histories in `fixtures/histories` show that it has one.
 */

import { type ActivityOptions, defineSearchAttributeKey } from '@temporalio/common'
import {
  ActivityCancellationType,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  log,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { JobState } from '@trainyard/contract'
import type { AttemptRef } from '../../launchers/launcher.ts'
import type {
  Admission,
  JobInput,
  JobOutcome,
  LaunchVerbs,
  NextStep,
  Report,
  SharedVerbs,
  SupervisionQueues,
  SupervisionVerbs,
} from './verbs.ts'

const PROJECT = defineSearchAttributeKey('TrainyardProject', 'KEYWORD')
const TRAINER = defineSearchAttributeKey('TrainyardTrainer', 'KEYWORD')
const STATE = defineSearchAttributeKey('TrainyardState', 'KEYWORD')

const TERMINAL: ReadonlySet<JobState> = new Set(['succeeded', 'failed', 'cancelled'])

/** A process that does not take a task from its own queue within this time is dead. */
const TAKE_MS = 10_000
/** How long the cleaning up of an attempt may take before the database is asked what the attempt waits for. */
const CLEAN_MS = 60_000
/** How long a job waits for a signal before the database is asked, in case one was lost. */
const ASK_AGAIN_MS = 6 * 3_600_000
/** Longer than any attempt. */
const ATTEMPT_TIMEOUT = '365 days'

const shared = proxyActivities<SharedVerbs>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '200 ms', maximumInterval: '10 s' },
})
const exports = proxyActivities<Pick<SharedVerbs, 'awaitExport'>>({
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '1 minute',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: { maximumAttempts: 3 },
})

export async function trainyardJob(input: JobInput): Promise<JobOutcome> {
  const life = new JobLife(input)
  return await CancellationScope.nonCancellable(() => life.run())
}

class JobLife {
  readonly #jobId: number
  readonly #maxEvents: number | undefined
  #admission: Admission | undefined
  #report: Report | undefined
  #orphanedAt: number | undefined
  /** Grows with each signal, so that none is missed while a verb runs. */
  #news = 0

  constructor({ jobId, admission, maxEvents }: JobInput) {
    this.#jobId = jobId
    this.#admission = admission
    this.#maxEvents = maxEvents
    this.#on<[Report]>('reported', (report) => {
      this.#report = report
    })
    this.#on<[Admission]>('admitted', (admission) => {
      this.#admission = admission
    })
    this.#on('orphaned', () => {
      this.#orphanedAt = Date.now()
    })
    this.#on('pause', () => shared.hold({ jobId, isHeld: true }))
    this.#on('resume', () => shared.hold({ jobId, isHeld: false }))
    // The workflow goes on until the job has ended for it.
    CancellationScope.current().cancelRequested.catch(() =>
      CancellationScope.nonCancellable(() => shared.cancel({ jobId })),
    )
  }

  #on<Input extends unknown[]>(name: string, handle: (...values: Input) => void | Promise<void>): void {
    setHandler(defineSignal<Input>(name), async (...values: Input) => {
      await handle(...values)
      this.#news++
    })
  }

  async run(): Promise<JobOutcome> {
    for (;;) {
      if (this.#isLong()) await this.#continueAsNew()
      const seen = this.#news
      const hasNews = () => this.#news !== seen
      const step = await shared.advance({ jobId: this.#jobId })
      show(step)
      switch (step.wait) {
        case 'nothing':
          if (step.job !== undefined) await this.#awaitExport(hasNews)
          await condition(allHandlersFinished)
          if (hasNews()) continue
          return { state: step.job?.state ?? 'deleted', endReason: step.endReason }
        case 'pause':
          await condition(hasNews, step.ms)
          continue
        case 'admission':
          if (this.#admission?.attempt === step.attempt) await this.#launch(this.#admission)
          else await condition(() => hasNews() || this.#isLong(), ASK_AGAIN_MS)
          continue
        case 'attempt':
          await this.#supervise(step.attempt, step.queues)
      }
    }
  }

  /** The verbs of a launch, one after the other. How it ended is in the database. */
  async #launch({ attempt, queue, heartbeatMs }: Admission): Promise<void> {
    this.#admission = undefined
    const ref = { jobId: this.#jobId, attempt }
    const verbs = proxyActivities<LaunchVerbs>({
      taskQueue: queue,
      scheduleToStartTimeout: TAKE_MS,
      startToCloseTimeout: ATTEMPT_TIMEOUT,
      heartbeatTimeout: heartbeatMs,
      retry: { maximumAttempts: 1 },
    })
    try {
      if (!(await verbs.validateDataset(ref))) return
      if (!(await verbs.prepareEnvironment(ref))) return
      await verbs.launchTrainer(ref)
    } catch (error) {
      log.warn('a launch was interrupted', { ...ref, error: String(error) })
    }
  }

  /**
   * Waits until an attempt has ended and is cleaned up. When the process that supervises it dies, another one on the same host
   * goes on; when the host is lost, the other runners end the attempt and report it.
   */
  async #supervise(attempt: number, { holder, host, heartbeatMs }: SupervisionQueues): Promise<void> {
    const ref = { jobId: this.#jobId, attempt }
    const options = { startToCloseTimeout: ATTEMPT_TIMEOUT, heartbeatTimeout: heartbeatMs } as const
    if (holder !== undefined) {
      const asked = { ...options, taskQueue: holder, scheduleToStartTimeout: TAKE_MS }
      if (await this.#superviseOn(asked, ref)) return
    }
    // All processes of a host can be away for a while.
    await this.#superviseOn({ ...options, taskQueue: host }, ref)
  }

  /** False: the process that was asked is dead. */
  async #superviseOn(options: ActivityOptions, ref: AttemptRef): Promise<boolean> {
    const verbs = proxyActivities<SupervisionVerbs>({
      ...options,
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      retry: { maximumAttempts: 1 },
    })
    const askedAt = Date.now()
    const scope = new CancellationScope({ cancellable: true })
    let outcome: 'done' | 'failed' | undefined
    const done = scope
      .run(() => verbs.supervise(ref))
      .then(
        () => {
          outcome = 'done'
        },
        () => {
          outcome = 'failed'
        },
      )
    // One that has only just been asked perhaps has no lease yet.
    const isOrphaned = () => this.#orphanedAt !== undefined && this.#orphanedAt - askedAt > TAKE_MS
    const isEnough = () => outcome !== undefined || isOrphaned() || this.#isLong()
    await condition(() => isEnough() || isAfter(this.#report, ref.attempt))
    if (!isEnough()) await condition(isEnough, CLEAN_MS)
    if (outcome === undefined) {
      scope.cancel()
      await done
      return !isOrphaned()
    }
    return outcome === 'done'
  }

  /** Until all backends have the data of the job, or it is restarted. */
  async #awaitExport(hasNews: () => boolean): Promise<void> {
    const scope = new CancellationScope({ cancellable: true })
    let isDone = false
    const done = scope
      .run(() => exports.awaitExport({ jobId: this.#jobId }))
      .catch(() => false)
      .then(() => {
        isDone = true
      })
    await condition(() => isDone || hasNews())
    if (!isDone) scope.cancel()
    await done
  }

  #isLong(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo()
    return continueAsNewSuggested || historyLength > (this.#maxEvents ?? Number.POSITIVE_INFINITY)
  }

  async #continueAsNew(): Promise<never> {
    await condition(allHandlersFinished)
    return await continueAsNew<typeof trainyardJob>({
      jobId: this.#jobId,
      admission: this.#admission,
      maxEvents: this.#maxEvents,
    })
  }
}

/** Whether a job that reports this has left an attempt. */
function isAfter(report: Report | undefined, attempt: number): boolean {
  return report !== undefined && (report.attempt > attempt || TERMINAL.has(report.state))
}

function show({ job }: NextStep): void {
  if (job === undefined) return
  upsertSearchAttributes([
    { key: PROJECT, value: job.project },
    { key: TRAINER, value: job.trainer },
    { key: STATE, value: job.state },
  ])
}
