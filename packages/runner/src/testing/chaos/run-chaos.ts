import { setTimeout as sleep } from 'node:timers/promises'
import { type CreateJobInput, Job } from '@trainyard/sdk/contract'
import { type ChaosJob, checkJobs } from './check.ts'
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

const KINDS: readonly [kind: string, share: number][] = [
  ['succeed', 3],
  ['slow', 2],
  ['retry', 2],
  ['predict', 2],
  ['fail', 1],
  ['cancel', 2],
]
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
  const comingBack: Promise<unknown>[] = []
  const later = (ms: number, work: () => Promise<unknown>) => {
    comingBack.push(sleep(ms).then(work))
  }
  try {
    let done = 0
    while (done < kills && signal?.aborted !== true) {
      while (jobs.length - (await countOver(stage.url, jobs, over)) < underWay) {
        const job = await submit(stage.url, pick(KINDS, random), random, jobs.length)
        jobs.push(job)
        const afterMs = random() * 4000
        if (job.kind === 'cancel')
          cancels.push(sleep(afterMs).then(() => ask(stage.url, `/v1/jobs/${job.id}/cancel`, { method: 'POST' })))
      }
      await sleep(100 + random() * 700)
      const victim = pick([...VICTIMS, ...(launcher.others ?? [])], random)
      if (victim === 'trainer') {
        const name = await launcher.killTrainer(stage, random)
        if (name === undefined) continue
        say(`kill ${done + 1}: trainer of ${name}`)
      } else if (launcher.others?.some(([name]) => name === victim)) {
        say(`kill ${done + 1}: ${victim}`)
        await launcher.killOther?.(victim, stage, random)
      } else {
        // What was killed before comes back first: there is always something to kill.
        await Promise.all(comingBack.splice(0))
        say(`kill ${done + 1}: ${victim}`)
        if (victim === 'database') {
          await stage.killDatabase()
          later(random() * 800, () => stage.startDatabase())
        } else {
          const indexes = victim === 'runner' ? [random() < 0.5 ? 0 : 1] : [0, 1]
          for (const index of indexes) {
            await stage.killReplica(index)
            later(random() * 800, () => stage.startReplica(index))
          }
        }
      }
      killed[victim] = (killed[victim] ?? 0) + 1
      done++
    }
    await Promise.all(comingBack.splice(0))
    await Promise.all(cancels)
    say('no more kills; waiting for the jobs')
    const endsAt = performance.now() + DRAIN_MS
    while ((await countOver(stage.url, jobs, over)) < jobs.length && performance.now() < endsAt) await sleep(250)
    const wrong = await checkJobs(stage, launcher, jobs)
    return {
      seed,
      kills: killed,
      ...(await summary(stage, jobs)),
      seconds: (performance.now() - startedAt) / 1000,
      wrong,
    }
  } finally {
    await Promise.allSettled(comingBack)
    // Should something have gone wrong, nothing of it goes on.
    while ((await launcher.killTrainer(stage, random)) !== undefined) await sleep(10)
    await stage.close()
  }
}

/** Until somebody answers, with what is wanted. */
async function ask(url: string, path: string, init?: RequestInit): Promise<Response> {
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

async function countOver(url: string, jobs: readonly ChaosJob[], over: Set<number>): Promise<number> {
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

async function submit(url: string, kind: string, random: () => number, index: number): Promise<ChaosJob> {
  const epochs = kind === 'slow' ? 60 : kind === 'cancel' ? 400 : 8 + Math.floor(random() * 15)
  const input: CreateJobInput = {
    trainer: 'acme/chaos',
    // Nobody knows whether a request whose answer got lost was carried out.
    idempotencyKey: `chaos-${index}`,
    maxRetries: 20,
    priority: Math.floor(random() * 3),
    config: {
      epochs,
      epoch_ms: 20 + Math.floor(random() * 40),
      ...(kind === 'fail' ? { ending: 'failed' } : {}),
      ...(kind === 'retry' ? { fail_attempts: 1 } : {}),
    },
    dataset: 'ds_test',
    ...(kind === 'predict' ? { operation: 'predict', checkpoint: 'art_model' } : {}),
  }
  const headers = { 'content-type': 'application/json' }
  const response = await ask(url, '/v1/jobs', { method: 'POST', headers, body: JSON.stringify(input) })
  if (!response.ok) throw new Error(`job not created: ${await response.text()}`)
  const { id } = Job.parse(await response.json())
  const ends = { fail: ['failed'], cancel: ['cancelled'] } as const
  const reasons: Record<string, string> = { fail: 'dataset_error', cancel: 'cancelled_by_user' }
  const reason = reasons[kind]
  const wanted = kind === 'fail' || kind === 'cancel' ? ends[kind] : (['succeeded'] as const)
  return { id, kind, ends: wanted, epochs, ...(reason === undefined ? {} : { reason }) }
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

function pick(choices: readonly [name: string, share: number][], random: () => number): string {
  let at = random() * choices.reduce((sum, [, share]) => sum + share, 0)
  for (const [name, share] of choices) {
    at -= share
    if (at < 0) return name
  }
  return choices[0]?.[0] ?? ''
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
