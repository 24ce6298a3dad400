import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@trainyard/platform'
import type { AttemptRow } from '../../db/schema/attempts.ts'
import type { RunnerDatabase } from '../../db/schema/index.ts'
import type { JobRow } from '../../db/schema/jobs.ts'
import { unpackBodies } from '../../journal/pack-events.ts'
import type { ChaosLauncher } from './chaos-launcher.ts'
import type { ChaosJob } from './jobs.ts'
import { SCHEMA } from './seed-database.ts'
import type { Stage } from './stage.ts'
import type { Witness } from './witness.ts'

const CLEANUP_TIMEOUT_MS = 60_000

type Db = Database<RunnerDatabase>['db']

/**
 * Lists everything that is wrong after the run, in sentences.
 *
 * @param allowedOverlaps attempts, as `JOB-ATTEMPT`, whose process may have outlived the kill
 */
export async function checkJobs(
  stage: Stage,
  launcher: ChaosLauncher,
  jobs: readonly ChaosJob[],
  allowedOverlaps: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const problems: string[] = []
  const database = await stage.openDatabase()
  try {
    const db = database.db.withSchema(SCHEMA)
    for (const job of jobs) {
      const found = await checkJob(db, stage.witness, job)
      problems.push(...found.map((problem) => `job ${job.id} (${job.kind}) ${problem}`))
    }
  } finally {
    await database.close()
  }
  for (const { earlier, later } of stage.witness.overlaps())
    if (!allowedOverlaps.has(earlier)) problems.push(`attempts ran at the same time: ${earlier} and ${later}`)
  const leftovers = await waitForCleanup(stage, launcher)
  const known = leftovers.length === 0 ? () => '' : await readAttempts(stage)
  return [...problems, ...leftovers.map((leftover) => `left behind: ${leftover}${known(leftover)}`)]
}

/** What the database says of the attempt that a leftover names. */
async function readAttempts(stage: Stage): Promise<(leftover: string) => string> {
  const database = await stage.openDatabase()
  try {
    const rows = await database.db.withSchema(SCHEMA).selectFrom('attempts').selectAll().execute()
    const texts = new Map(rows.map((row) => [`trainyard-${row.job_id}-${row.attempt}`, JSON.stringify(row)]))
    return (leftover) => {
      const text = texts.get(/trainyard-\d+-\d+/.exec(leftover)?.[0] ?? '')
      return text === undefined ? '' : `, ${text}`
    }
  } finally {
    await database.close()
  }
}

async function checkJob(db: Db, witness: Witness, expected: ChaosJob): Promise<string[]> {
  const problems: string[] = []
  const { id, ends, reason } = expected
  const job = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  if (!ends.includes(job.state))
    problems.push(`is ${job.state} (${job.end_reason}), expected ${ends.join(' or ')}: ${JSON.stringify(job.error)}`)
  if (reason !== undefined && job.state !== 'succeeded' && job.end_reason !== reason)
    problems.push(`ended as ${job.end_reason}, expected ${reason}`)
  const attempts = await db.selectFrom('attempts').selectAll().where('job_id', '=', id).orderBy('attempt').execute()
  if (attempts.length !== job.attempt) problems.push(`has ${attempts.length} attempts, expected ${job.attempt}`)
  let epoch = 0
  let images: unknown[] = []
  for (const attempt of attempts) {
    const checked = await checkAttempt(db, witness, attempt, epoch)
    problems.push(...checked.problems.map((problem) => `in attempt ${attempt.attempt} ${problem}`))
    epoch = checked.epoch
    images = checked.images
  }
  if (job.state === 'succeeded') problems.push(...(await checkResult(db, job, expected, { epoch, images })))
  return problems
}

interface CheckedAttempt {
  problems: string[]
  /** The last epoch of this attempt and those before. */
  epoch: number
  /** Names of the images that it made predictions for. */
  images: unknown[]
}

async function checkAttempt(db: Db, witness: Witness, attempt: AttemptRow, reached: number): Promise<CheckedAttempt> {
  const problems: string[] = []
  const events = await readEvents(db, attempt)
  if (attempt.closed_at === null) problems.push('is still open')
  if (events.some(({ seq }, index) => seq !== index + 1))
    problems.push(`has a gap in its events: ${events.map(({ seq }) => seq).join()}`)
  if (events.length !== attempt.last_seq) problems.push(`has ${events.length} events, expected ${attempt.last_seq}`)
  const acknowledged = witness.acknowledged(attempt.job_id, attempt.attempt)
  if (events.length < acknowledged) problems.push(`has ${events.length} events, but ${acknowledged} were acknowledged`)
  const starts = events.filter(({ type }) => type === 'started').length
  if (starts > 1) problems.push(`has ${starts} events "started", expected 1`)
  const epochs = events.flatMap(({ type, body }) =>
    type === 'progress' && typeof body.epoch === 'number' ? [body.epoch] : [],
  )
  if (epochs.some((epoch, index) => index > 0 && epoch !== (epochs[index - 1] ?? 0) + 1))
    problems.push(`trained the epochs ${epochs.join()}, expected consecutive ones`)
  if (epochs[0] !== undefined && epochs[0] > reached + 1)
    problems.push(`began at epoch ${epochs[0]}, expected at most ${reached + 1}`)
  return {
    problems,
    epoch: Math.max(reached, epochs.at(-1) ?? 0),
    images: events.flatMap(({ type, body }) => (type === 'prediction' ? [body.imageName] : [])),
  }
}

/** All events of an attempt, in rows and in chunks. */
async function readEvents(db: Db, { job_id: jobId, attempt }: AttemptRow) {
  const rows = await db
    .selectFrom('events')
    .select(['seq', 'type', 'body'])
    .where('job_id', '=', jobId)
    .where('attempt', '=', attempt)
    .execute()
  const chunks = await db
    .selectFrom('event_chunks')
    .select(['first_seq', 'bodies'])
    .where('job_id', '=', jobId)
    .where('attempt', '=', attempt)
    .execute()
  const packed = chunks.flatMap(({ first_seq: first, bodies }) =>
    unpackBodies(bodies).flatMap((body) => (body.seq < first ? [] : { seq: body.seq, type: body.type, body })),
  )
  return [...rows, ...packed].sort((a, b) => a.seq - b.seq)
}

/** Checks the result of a job that succeeded. It must come from the last attempt only, and each part once. */
async function checkResult(
  db: Db,
  job: JobRow,
  { kind, epochs }: ChaosJob,
  { epoch, images }: Pick<CheckedAttempt, 'epoch' | 'images'>,
): Promise<string[]> {
  if (kind === 'predict') {
    const expected = Array.from({ length: epochs }, (_, index) => `${index + 1}.png`).join()
    return images.join() === expected ? [] : [`succeeded with the images ${images.join()}, expected ${expected}`]
  }
  const problems = epoch === epochs ? [] : [`succeeded after epoch ${epoch}, expected ${epochs}`]
  if (kind !== 'export') return problems
  const files = await db
    .selectFrom('artifacts')
    .select('id')
    .where('job_id', '=', job.id)
    .where('attempt', '=', job.attempt)
    .where('kind', '=', 'export')
    .where('completed_at', 'is not', null)
    .execute()
  const named = job.result?.operation === 'export' ? job.result.artifactId : undefined
  if (files.length !== 1 || files[0]?.id !== named)
    problems.push(`succeeded with the files ${files.map((file) => file.id).join()}, expected ${named}`)
  return problems
}

/** What is left when the last attempts had time to be cleaned up. */
async function waitForCleanup(stage: Stage, launcher: ChaosLauncher): Promise<string[]> {
  const endsAt = performance.now() + CLEANUP_TIMEOUT_MS
  for (;;) {
    const leftovers = await launcher.leftovers(stage)
    if (leftovers.length === 0 || performance.now() > endsAt) return leftovers
    await sleep(200)
  }
}
