import { join } from 'node:path'
import { StoredEventPage } from '@trainyard/contract'
import { createLogger } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRunner, type Runner } from '../create-runner.ts'
import { type Harness, isOver, openJournal, PLAIN_TRAINER_DIR, startHarness } from '../testing/harness.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'

describe('two replicas on one database', () => {
  let harness: Harness
  let other: Runner
  beforeAll(async () => {
    harness = await startHarness()
    other = await createRunner({
      config: { ...harness.config, dataDir: join(harness.config.dataDir, 'other') },
      store: harness.runner.context.store,
      logger: createLogger({ name: 'test', level: 'silent' }),
      trainers: createFolderTrainerSource(PLAIN_TRAINER_DIR),
    })
  })
  afterAll(async () => {
    await other.stop()
    await harness.close()
  })

  it('run each job once', async () => {
    const jobs = await Promise.all(
      Array.from({ length: 8 }, () => harness.createJob({ config: { epochs: 2, epoch_ms: 50 } })),
    )
    await Promise.all([harness.runner.start(), other.start()])
    for (const { id } of jobs) {
      expect(await harness.waitFor(id, isOver)).toMatchObject({ state: 'succeeded', attempt: 1 })
      const page = StoredEventPage.parse(await (await harness.request(`/v1/jobs/${id}/events?type=started`)).json())
      expect(page.events).toHaveLength(1)
    }
    const rows = await harness.runner.context.database.db.selectFrom('attempts').select('host').distinct().execute()
    expect(rows).toHaveLength(2)
  })

  it('notify the live streams of the other replica', async () => {
    const journal = await openJournal(harness, { config: { epochs: 1000 } })
    // Without a notification, the stream would be read again after 15 seconds.
    const response = await other.app.request(`/v1/jobs/${journal.jobId}/live`, {
      headers: { authorization: `Bearer ${await other.context.identity.createOwnerToken('other')}` },
    })
    const reader = response.body?.getReader()
    let text = ''
    const readUntil = async (words: string) => {
      while (!text.includes(words)) text += new TextDecoder().decode((await reader?.read())?.value)
    }
    await readUntil('snapshot')
    await harness.request(`/v1/jobs/${journal.jobId}/cancel`, { method: 'POST' })
    await readUntil('"cancelRequested":true')
    await reader?.cancel()
  }, 10_000)

  it('retry the jobs of a lost machine without charge', async () => {
    const { db } = harness.runner.context.database
    const job = await harness.createJob({ config: { epochs: 1 } })
    await harness.waitFor(job.id, isOver)
    // Its process may still be exiting.
    const cleaned = async () =>
      (await db.selectFrom('attempts').select('cleaned_at').where('job_id', '=', job.id).executeTakeFirst())?.cleaned_at
    await expect.poll(cleaned, { timeout: 60_000 }).toBeInstanceOf(Date)
    const longAgo = new Date(Date.now() - 3_600_000)
    await db
      .updateTable('jobs')
      .set({
        state: 'running',
        end_reason: null,
        finished_at: null,
        lease_owner: 'gone/1/x/y',
        lease_expires_at: longAgo,
      })
      .where('id', '=', job.id)
      .execute()
    await db
      .updateTable('attempts')
      .set({ host: 'gone', launched_at: longAgo, last_heard_at: longAgo, closed_at: null, cleaned_at: null })
      .where('job_id', '=', job.id)
      .execute()
    expect(await harness.waitFor(job.id, (now) => now.attempt === 2 && isOver(now))).toMatchObject({
      state: 'succeeded',
    })
  })
})
