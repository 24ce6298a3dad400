import { CheckpointInput, StoredEventPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, isOver, journalOf, noLauncher, startHarness } from '../testing/harness.ts'

describe('the checkpoint from which a later attempt resumes', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())

  interface Saved {
    id: string
    attempt: number
    name: string
    epoch?: number | undefined
    kind?: 'checkpoint' | 'export'
    whole?: boolean
  }
  /** A job in its third attempt, with these artifacts of its earlier attempts. */
  async function jobWith(files: readonly Saved[], over: { freshFrom?: number; checkpoint?: string } = {}) {
    const { db } = harness.runner.context.database
    const job = await harness.createJob()
    for (const [index, { id, attempt, name, epoch, kind = 'checkpoint', whole = true }] of files.entries())
      await db
        .insertInto('artifacts')
        .values({
          id: `${id}-${job.id}`,
          job_id: job.id,
          attempt,
          kind,
          name,
          size_bytes: 3,
          sha256: 'b'.repeat(64),
          content_type: 'application/octet-stream',
          epoch: epoch ?? null,
          storage_key: `jobs/${job.id}/artifacts/${id}/${name}`,
          completed_at: whole ? new Date(Date.UTC(2026, 0, 1) + index) : null,
        })
        .execute()
    await db
      .updateTable('jobs')
      .set({ attempt: 3, fresh_from: over.freshFrom ?? 1, checkpoint_id: over.checkpoint ?? null })
      .where('id', '=', job.id)
      .execute()
    await db
      .insertInto('attempts')
      .values([2, 3].map((attempt) => ({ job_id: job.id, attempt, output_position: '{"stdout":0,"stderr":0}' })))
      .execute()
    const response = await (await journalOf(harness, job.id, 3)).get('/inputs/checkpoint')
    if (response.status === 404) return undefined
    const input = CheckpointInput.parse(await response.json())
    return { id: input.artifactId.replace(`-${job.id}`, ''), resume: input.resume }
  }

  it('is "last" instead of "best", even if "best" is newer', async () => {
    expect(
      await jobWith([
        { id: 'last', attempt: 1, name: 'weights/last.pt', epoch: 9 },
        { id: 'best', attempt: 1, name: 'weights/best.pt', epoch: 10 },
      ]),
    ).toEqual({ id: 'last', resume: { attempt: 1, epoch: 9 } })
  })

  it('is of the latest attempt that saved one', async () => {
    expect(
      await jobWith([
        { id: 'old', attempt: 1, name: 'last.pt', epoch: 10 },
        { id: 'new', attempt: 2, name: 'epoch-12.pt', epoch: 12 },
      ]),
    ).toEqual({ id: 'new', resume: { attempt: 2, epoch: 12 } })
  })

  it('is of the latest epoch, then the latest upload', async () => {
    const named = (id: string, epoch?: number) => ({ id, attempt: 1, name: `${id}.bin`, epoch })
    expect(await jobWith([named('b', 20), named('a', 10), named('c')])).toMatchObject({ id: 'b' })
    expect(await jobWith([named('x'), named('y')])).toEqual({ id: 'y', resume: { attempt: 1 } })
  })

  it('is never an incomplete upload, an artifact of another kind, or one whose name merely resembles "last"', async () => {
    expect(
      await jobWith([
        { id: 'blast', attempt: 1, name: 'blast.pt', epoch: 1 },
        { id: 'half', attempt: 1, name: 'last.pt', epoch: 5, whole: false },
        { id: 'export', attempt: 1, name: 'last.onnx', kind: 'export' },
        { id: 'later', attempt: 1, name: 'later.pt', epoch: 2 },
      ]),
    ).toMatchObject({ id: 'later' })
  })

  it('is the one that the job was created with when none was saved, or after a fresh restart', async () => {
    expect(await jobWith([])).toBeUndefined()
    const saved = { id: 'saved', attempt: 2, name: 'last.pt' }
    expect(await jobWith([saved], { freshFrom: 3 })).toBeUndefined()
    const { db } = harness.runner.context.database
    const { id } = await db.selectFrom('artifacts').select('id').executeTakeFirstOrThrow()
    const start = await jobWith([saved], { freshFrom: 3, checkpoint: id })
    expect(start).toEqual({ id: id, resume: undefined })
  })
})

describe('a retried training', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ start: true })
  })
  afterAll(() => harness.close())
  const epochsOf = async (id: number, attempt: number) => {
    const response = await harness.request(`/v1/jobs/${id}/events?attempt=${attempt}&type=progress&limit=1000`)
    return StoredEventPage.parse(await response.json()).events.map((event) => event.body.epoch)
  }

  it('resumes after its last checkpoint, after a failure and after a restart that is not fresh', async () => {
    const config = { epochs: 10, save_every: 3, fail_attempts: 1, fail_epoch: 7 }
    const created = await harness.createJob({ maxRetries: 1, config })
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'succeeded', attempt: 2 })
    expect(await epochsOf(job.id, 1)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(await epochsOf(job.id, 2)).toEqual([7, 8, 9, 10])

    await harness.post(`/v1/jobs/${job.id}/restart`, {})
    await harness.waitFor(job.id, (now) => now.attempt === 3 && isOver(now))
    expect(await epochsOf(job.id, 3)).toEqual([10])

    expect((await harness.post(`/v1/jobs/${job.id}/restart`, { fresh: 'yes' })).status).toBe(400)
    await harness.post(`/v1/jobs/${job.id}/restart`, { fresh: true })
    await harness.waitFor(job.id, (now) => now.attempt === 4 && isOver(now))
    expect(await epochsOf(job.id, 4)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })
})
