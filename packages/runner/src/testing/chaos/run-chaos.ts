import { setTimeout as sleep } from 'node:timers/promises'
import { checkJobs } from './check.ts'
import { ask, type ChaosJob, countOver, JOB_KINDS, submit, waitUntilOver } from './jobs.ts'
import { setStage } from './stage.ts'
import type { ChaosLauncher } from './victims.ts'

export interface ChaosOptions {
  seed: number
  kills: number
  launcher: ChaosLauncher
  /** Jobs that are under way at a time. Default: the launcher's, or 14; more than there are places. */
  underWay?: number
  /** No more kills once this is aborted; what was begun is brought to its end and looked at all the same. */
  signal?: AbortSignal
  say?: (text: string) => void
}

export interface ChaosReport {
  seed: number
  /** How many of each were killed. */
  kills: Record<string, number>
  /** How many jobs of each kind ended how. */
  jobs: Record<string, Record<string, number>>
  attempts: number
  events: number
  seconds: number
  /** Everything that is wrong, in sentences. */
  wrong: string[]
}

const VICTIMS: readonly [victim: string, share: number][] = [
  ['runner', 4],
  ['both runners', 1],
  ['trainer', 4],
  ['database', 2],
]
const DRAIN_MS = 240_000

/** Kills at random, by a seed, while mixed jobs run; then waits until all are over, and looks whether all is right. */
export async function runChaos({
  seed,
  kills,
  launcher,
  signal,
  underWay = launcher.underWay ?? 14,
  say = () => {},
}: ChaosOptions): Promise<ChaosReport> {
  const random = randomFrom(seed)
  const startedAt = performance.now()
  const stage = await setStage(launcher)
  const killed: Record<string, number> = {}
  const jobs: ChaosJob[] = []
  const over = new Set<number>()
  const cancels: Promise<unknown>[] = []
  /** By what was killed: everything comes back before it is killed again, whatever else is down meanwhile. */
  const comingBack = new Map<string, Promise<unknown>>()
  const mayLiveOn = new Set<string>()
  const later = (what: string, ms: number, work: () => Promise<unknown>) => {
    const back = Promise.all([comingBack.get(what), sleep(ms).then(work)])
    back.catch(() => {})
    comingBack.set(what, back)
  }
  /** Says what was killed, or undefined when there was nothing to kill. */
  const kill = async (victim: string): Promise<string | undefined> => {
    if (victim === 'trainer') {
      const one = await launcher.killTrainer(stage, random)
      if (one?.mayLiveOn !== undefined) mayLiveOn.add(one.mayLiveOn)
      if (one !== undefined) killed[one.how] = (killed[one.how] ?? 0) + 1
      return one && `${one.how}: ${one.whom}`
    }
    const what = victim === 'both runners' ? 'runner' : (victim.split(',')[0] ?? victim)
    await comingBack.get(what)
    if (victim === 'database') {
      await stage.killDatabase()
      later(what, random() * 800, () => stage.startDatabase())
    } else if (what === 'runner') {
      const indexes = victim === 'runner' ? [random() < 0.5 ? 0 : 1] : [0, 1]
      for (const index of indexes) {
        await stage.killReplica(index)
        later(what, random() * 800, () => stage.startReplica(index))
      }
    } else {
      const back = await launcher.killOther?.(victim)
      if (back !== undefined) later(what, random() * back.withinMs, back.comeBack)
    }
    killed[victim] = (killed[victim] ?? 0) + 1
    return victim
  }
  try {
    for (let done = 0; done < kills && signal?.aborted !== true; ) {
      // Once a round: on a busy machine jobs end as quickly as they are submitted, and nothing would ever be killed.
      const missing = underWay - jobs.length + (await countOver(stage.url, jobs, over))
      for (let one = 0; one < missing; one++) {
        const kind = pick(JOB_KINDS, random)
        const job = await submit(stage.url, { kind, random, index: jobs.length, pace: launcher.pace })
        jobs.push(job)
        const afterMs = random() * 4000
        if (job.kind === 'cancel')
          cancels.push(sleep(afterMs).then(() => ask(stage.url, `/v1/jobs/${job.id}/cancel`, { method: 'POST' })))
      }
      await sleep(100 + random() * 700)
      const what = await kill(pick([...VICTIMS, ...(launcher.others ?? [])], random))
      if (what !== undefined) say(`kill ${++done}: ${what}`)
    }
    await Promise.all(comingBack.values())
    await Promise.all(cancels)
    say('no more kills; waiting for the jobs')
    await waitUntilOver(stage.url, jobs, over, DRAIN_MS)
    const wrong = await checkJobs(stage, launcher, jobs, mayLiveOn)
    return {
      seed,
      kills: killed,
      ...(await summary(stage, jobs)),
      seconds: (performance.now() - startedAt) / 1000,
      wrong,
    }
  } finally {
    await Promise.allSettled(comingBack.values())
    // Should something have gone wrong, nothing of it goes on.
    while ((await launcher.killTrainer(stage, random)) !== undefined) await sleep(10)
    await stage.close()
  }
}

async function summary(
  stage: { openDatabase: Awaited<ReturnType<typeof setStage>>['openDatabase'] },
  jobs: readonly ChaosJob[],
) {
  const database = await stage.openDatabase()
  try {
    const db = database.db.withSchema('chaos')
    const table: Record<string, Record<string, number>> = {}
    for (const { id, kind } of jobs) {
      const { state } = await db.selectFrom('jobs').select('state').where('id', '=', id).executeTakeFirstOrThrow()
      const row = table[kind] ?? {}
      table[kind] = { ...row, [state]: (row[state] ?? 0) + 1 }
    }
    const count = async (name: 'attempts' | 'events' | 'event_chunks') =>
      (
        await db
          .selectFrom(name)
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
      ).count
    return {
      jobs: table,
      attempts: await count('attempts'),
      events: await count('events'),
      eventChunks: await count('event_chunks'),
    }
  } finally {
    await database.close()
  }
}

function pick<Name extends string>(choices: readonly [name: Name, share: number][], random: () => number): Name {
  let at = random() * choices.reduce((sum, [, share]) => sum + share, 0)
  for (const [name, share] of choices) {
    at -= share
    if (at < 0) return name
  }
  throw new Error('nothing to choose from')
}

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
