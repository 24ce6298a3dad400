import { setTimeout as sleep } from 'node:timers/promises'
import { unpackBodies } from '../../journal/pack-events.ts'
import type { ChaosJob } from './jobs.ts'
import type { Stage } from './stage.ts'
import type { ChaosLauncher } from './victims.ts'

/**
 * Everything that is wrong when all is over, in sentences.
 *
 * @param mayLiveOn attempts, as `JOB-ATTEMPT`, that were only cut off from their names: they may overlap with the next one
 */
export async function checkJobs(
  stage: Stage,
  launcher: ChaosLauncher,
  jobs: readonly ChaosJob[],
  mayLiveOn: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const wrong: string[] = []
  const database = await stage.openDatabase()
  try {
    const db = database.db.withSchema('chaos')
    for (const { id, kind, ends, reason, epochs } of jobs) {
      const what = `job ${id} (${kind})`
      const job = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      if (!ends.includes(job.state))
        wrong.push(
          `${what} is ${job.state} (${job.end_reason}), not ${ends.join(' or ')}: ${JSON.stringify(job.error)}`,
        )
      if (reason !== undefined && job.state !== 'succeeded' && job.end_reason !== reason)
        wrong.push(`${what} ended as ${job.end_reason}, not ${reason}`)
      const attempts = await db.selectFrom('attempts').selectAll().where('job_id', '=', id).orderBy('attempt').execute()
      if (attempts.length !== job.attempt)
        wrong.push(`${what} has ${attempts.length} attempts, its number says ${job.attempt}`)
      let reached = 0
      let images: unknown[] = []
      for (const { attempt, last_seq: lastSeq, closed_at: closedAt } of attempts) {
        if (closedAt === null) wrong.push(`${what}: attempt ${attempt} is still open`)
        const alone = await db
          .selectFrom('events')
          .select(['seq', 'type', 'body'])
          .where('job_id', '=', id)
          .where('attempt', '=', attempt)
          .execute()
        const chunks = await db
          .selectFrom('event_chunks')
          .select(['first_seq', 'bodies'])
          .where('job_id', '=', id)
          .where('attempt', '=', attempt)
          .execute()
        const inChunks = chunks.flatMap(({ first_seq: first, bodies }) =>
          unpackBodies(bodies).flatMap((body) => (body.seq < first ? [] : { seq: body.seq, type: body.type, body })),
        )
        const events = [...alone, ...inChunks].sort((a, b) => a.seq - b.seq)
        if (events.some(({ seq }, index) => seq !== index + 1))
          wrong.push(`${what}: attempt ${attempt} has a gap: ${events.map(({ seq }) => seq).join()}`)
        if (events.length !== lastSeq)
          wrong.push(`${what}: attempt ${attempt} holds ${events.length} events and says ${lastSeq}`)
        const acknowledged = stage.witness.acknowledged(id, attempt)
        if (events.length < acknowledged)
          wrong.push(`${what}: attempt ${attempt} was told ${acknowledged} and holds ${events.length}`)
        const starts = events.filter(({ type }) => type === 'started').length
        if (starts > 1) wrong.push(`${what}: attempt ${attempt} started ${starts} times`)
        images = events.flatMap(({ type, body }) => (type === 'prediction' ? [body.imageName] : []))
        const done = events.flatMap(({ type, body }) =>
          type === 'progress' && typeof body.epoch === 'number' ? [body.epoch] : [],
        )
        if (done.some((epoch, index) => index > 0 && epoch !== (done[index - 1] ?? 0) + 1))
          wrong.push(`${what}: attempt ${attempt} trained ${done.join()}`)
        if (done[0] !== undefined && done[0] > reached + 1)
          wrong.push(`${what}: attempt ${attempt} began at epoch ${done[0]}, only ${reached} were done`)
        reached = Math.max(reached, done.at(-1) ?? 0)
      }
      if (job.state !== 'succeeded') continue
      if (kind !== 'predict' && reached !== epochs) wrong.push(`${what} succeeded after epoch ${reached} of ${epochs}`)
      // What the last attempt alone has said, once each.
      if (kind === 'predict' && images.join() !== Array.from({ length: epochs }, (_, at) => `${at + 1}.png`).join())
        wrong.push(`${what} succeeded with the images ${images.join()} of ${epochs}`)
      if (kind === 'export') {
        const files = await db
          .selectFrom('artifacts')
          .select('id')
          .where('job_id', '=', id)
          .where('attempt', '=', job.attempt)
          .where('kind', '=', 'export')
          .where('completed_at', 'is not', null)
          .execute()
        const named = job.result?.operation === 'export' ? job.result.artifactId : undefined
        if (files.length !== 1 || files[0]?.id !== named)
          wrong.push(`${what} succeeded with the files ${files.map((one) => one.id).join()} and names ${named}`)
      }
    }
  } finally {
    await database.close()
  }
  for (const { begun, beside } of stage.witness.overlaps())
    if (!mayLiveOn.has(beside)) wrong.push(`run twice at a time: ${begun}, beside ${beside}`)
  // The last ones are still being cleaned up.
  let left = await launcher.leftovers(stage)
  for (let waits = 0; left.length > 0 && waits < 300; waits++) {
    await sleep(200)
    left = await launcher.leftovers(stage)
  }
  return [...wrong, ...left.map((one) => `left behind: ${one}`)]
}
