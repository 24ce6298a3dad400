import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminalJobState, Job } from '@trainyard/contract'
import type { ChaosLauncher } from './chaos-launcher.ts'
import { checkJobs } from './check.ts'
import { type ChaosJob, countOver, JOB_KINDS, sendWithRetries, submitJob, waitUntilOver } from './jobs.ts'
import { pick, randomFrom } from './random.ts'
import { SCHEMA } from './seed-database.ts'
import { openStage, type Stage } from './stage.ts'

export interface ChaosOptions {
  seed: number
  kills: number
  launcher: ChaosLauncher
  /** How many jobs are in progress at a time. Default: the launcher's number, or 14. Must be more than run at once. */
  concurrency?: number | undefined
  /**
   * Many more jobs than run at once, on a dataset of this many files, and every other one is cancelled: most in the queue, or
   * while they are being launched.
   */
  backlogFiles?: number | undefined
  /** Aborting it ends the kills. Jobs in progress are completed and checked. */
  signal?: AbortSignal | undefined
  log?: ((text: string) => void) | undefined
}

export interface ChaosReport {
  seed: number
  /** Number of kills by kind. */
  kills: Record<string, number>
  /** Number of jobs by kind and state. */
  jobs: Record<string, Record<string, number>>
  attempts: number
  events: number
  seconds: number
  /** Everything that is wrong, in sentences. */
  problems: string[]
}

const VICTIMS: readonly [victim: string, share: number][] = [
  ['runner', 4],
  ['both runners', 1],
  ['trainer', 4],
  ['database', 2],
]
/** Both replicas run twelve at once. */
const BACKLOG = 60
const BACKLOG_KINDS: typeof JOB_KINDS = [...JOB_KINDS, ['cancel', 12]]
/** Grace and lease of the replicas, and restarts of everything that is killed meanwhile. */
const CANCEL_MS = 45_000
/** How a database is ended, by a crash or by another program. */
const DATABASE_SIGNALS: readonly [signal: 'SIGKILL' | 'SIGTERM' | 'SIGQUIT', share: number][] = [
  ['SIGKILL', 3],
  ['SIGTERM', 1],
  ['SIGQUIT', 1],
]
const DRAIN_MS = 240_000
const MAX_RESTART_DELAY_MS = 800

/** Kills at random while mixed jobs run, then waits until all jobs have ended and checks the result. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, kills, launcher, signal, backlogFiles, log = () => {} } = options
  const random = randomFrom(seed)
  const startedAt = performance.now()
  const stage = await openStage(launcher)
  const killer = new Killer(stage, launcher, random)
  const concurrency = options.concurrency ?? (backlogFiles === undefined ? (launcher.concurrency ?? 14) : BACKLOG)
  const kinds = backlogFiles === undefined ? JOB_KINDS : BACKLOG_KINDS
  const load = new Load({ url: stage.url, random, concurrency, pace: launcher.pace, kinds })
  try {
    if (backlogFiles !== undefined) await stage.addFiles(backlogFiles)
    for (let done = 0; done < kills && signal?.aborted !== true; ) {
      // Once in each round. On a busy machine jobs end as fast as they are submitted, and nothing would be killed.
      await load.refill()
      await sleep(100 + random() * 700)
      const killed = await killer.kill(pick([...VICTIMS, ...(launcher.victims ?? [])], random))
      if (killed !== undefined) log(`kill ${++done}: ${killed}`)
    }
    await killer.waitForRestores()
    await load.waitForCancels()
    log('no more kills; waiting for the jobs')
    await waitUntilOver(stage.url, load.jobs, load.over, DRAIN_MS)
    const problems = [...load.slowCancels, ...(await checkJobs(stage, launcher, load.jobs, killer.allowedOverlaps))]
    const seconds = (performance.now() - startedAt) / 1000
    return { seed, kills: killer.counts, ...(await summarise(stage, load.jobs)), seconds, problems }
  } finally {
    await killer.waitForRestores().catch(() => {})
    // After a failure, no trainer may keep running.
    while ((await launcher.killTrainer(stage, random)) !== undefined) await sleep(10)
    await stage.close()
  }
}

interface LoadOptions {
  url: string
  random: () => number
  concurrency: number
  pace: number | undefined
  kinds: typeof JOB_KINDS
}

/** Keeps a number of jobs in progress. */
class Load {
  readonly jobs: ChaosJob[] = []
  /** Ids of jobs that have ended. */
  readonly over = new Set<number>()
  /** Jobs that went on for too long after they were cancelled, as sentences. */
  readonly slowCancels: string[] = []
  readonly #options: LoadOptions
  readonly #cancels: Promise<unknown>[] = []

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async refill(): Promise<void> {
    const { url, random, concurrency, pace, kinds } = this.#options
    const missing = concurrency - this.jobs.length + (await countOver(url, this.jobs, this.over))
    for (let count = 0; count < missing; count++) {
      const kind = pick(kinds, random)
      const index = this.jobs.length
      const job = await submitJob(url, { kind, random, index, pace })
      this.jobs.push(job)
      const delayMs = random() * 4000
      if (job.kind === 'cancel') this.#cancels.push(sleep(delayMs).then(() => this.#cancel(job)))
    }
  }

  async waitForCancels(): Promise<void> {
    await Promise.all(this.#cancels)
  }

  async #cancel({ id }: ChaosJob): Promise<void> {
    const { url } = this.#options
    await sendWithRetries(url, `/v1/jobs/${id}/cancel`, { method: 'POST' })
    const answeredAt = performance.now()
    const state = async () => Job.parse(await (await sendWithRetries(url, `/v1/jobs/${id}`)).json()).state
    while (!isTerminalJobState(await state())) {
      const waited = performance.now() - answeredAt
      if (waited > CANCEL_MS) {
        this.slowCancels.push(`job ${id} was cancelled, and is ${await state()} after ${Math.round(waited / 1000)} s`)
        return
      }
      await sleep(250)
    }
  }
}

/** Kills parts of the stage and restores them after a random delay. */
class Killer {
  /** Number of kills by kind. */
  readonly counts: Record<string, number> = {}
  /** Attempts, as `JOB-ATTEMPT`, whose process may outlive the kill. */
  readonly allowedOverlaps = new Set<string>()
  readonly #stage: Stage
  readonly #launcher: ChaosLauncher
  readonly #random: () => number
  /** By part. A part is restored before it is killed again; the others can be down in the meantime. */
  readonly #restores = new Map<string, Promise<unknown>>()

  constructor(stage: Stage, launcher: ChaosLauncher, random: () => number) {
    this.#stage = stage
    this.#launcher = launcher
    this.#random = random
  }

  /** What was killed. Undefined: no trainer was running. */
  async kill(victim: string): Promise<string | undefined> {
    if (victim === 'trainer') return await this.#killTrainer()
    const part = victim === 'both runners' ? 'runner' : (victim.split(',')[0] ?? victim)
    await this.#restores.get(part)
    if (victim === 'runner') await this.#killReplica(this.#random() < 0.5 ? 0 : 1)
    else if (victim === 'both runners') for (const index of [0, 1]) await this.#killReplica(index)
    else if (victim === 'database') {
      const signal = pick(DATABASE_SIGNALS, this.#random)
      const restored = this.#stage.killDatabase(signal)
      this.#restoreLater(part, MAX_RESTART_DELAY_MS, restored)
      this.#count(`${victim} ${signal}`)
      return `${victim} ${signal}`
    } else {
      const killed = await this.#launcher.killVictim?.(victim)
      if (killed !== undefined) this.#restoreLater(part, killed.withinMs, killed.restore)
    }
    this.#count(victim)
    return victim
  }

  async waitForRestores(): Promise<void> {
    await Promise.all(this.#restores.values())
  }

  async #killTrainer(): Promise<string | undefined> {
    const kill = await this.#launcher.killTrainer(this.#stage, this.#random)
    if (kill === undefined) return undefined
    if (kill.overlapping !== undefined) this.allowedOverlaps.add(kill.overlapping)
    this.#count(kill.how)
    return `${kill.how}: ${kill.attempt}`
  }

  async #killReplica(index: number): Promise<void> {
    await this.#stage.killReplica(index)
    this.#restoreLater('runner', MAX_RESTART_DELAY_MS, () => this.#stage.startReplica(index))
  }

  #restoreLater(part: string, withinMs: number, restore: () => Promise<unknown>): void {
    const restored = Promise.all([this.#restores.get(part), sleep(this.#random() * withinMs).then(restore)])
    restored.catch(() => {})
    this.#restores.set(part, restored)
  }

  #count(how: string): void {
    this.counts[how] = (this.counts[how] ?? 0) + 1
  }
}

async function summarise(
  stage: Stage,
  jobs: readonly ChaosJob[],
): Promise<Pick<ChaosReport, 'jobs' | 'attempts' | 'events'>> {
  const database = await stage.openDatabase()
  try {
    const db = database.db.withSchema(SCHEMA)
    const table: Record<string, Record<string, number>> = {}
    for (const { id, kind } of jobs) {
      const { state } = await db.selectFrom('jobs').select('state').where('id', '=', id).executeTakeFirstOrThrow()
      const row = table[kind] ?? {}
      table[kind] = { ...row, [state]: (row[state] ?? 0) + 1 }
    }
    const count = async (name: 'attempts' | 'events') =>
      (
        await db
          .selectFrom(name)
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
      ).count
    return { jobs: table, attempts: await count('attempts'), events: await count('events') }
  } finally {
    await database.close()
  }
}
