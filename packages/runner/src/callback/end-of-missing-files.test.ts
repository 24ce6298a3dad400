import { createHash } from 'node:crypto'
import { CreateArtifactResponse } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, openJournal, startHarness } from '../testing/harness.ts'

describe('a completed event', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness()
  })
  afterAll(() => harness.close())

  const completed = (checkpointIds: string[]) => ({
    type: 'completed',
    result: { operation: 'train', metrics: {}, checkpointIds },
  })

  async function announce(
    journal: Awaited<ReturnType<typeof openJournal>>,
    bytes: string,
  ): Promise<CreateArtifactResponse> {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const body = { kind: 'checkpoint', name: 'best.bin', sizeBytes: bytes.length, sha256 }
    return CreateArtifactResponse.parse(await (await journal.post('/artifacts', body)).json())
  }

  it('is a failure when it names checkpoints that were never announced, or never completed', async () => {
    const journal = await openJournal(harness, { maxRetries: 0 })
    const { id } = await announce(journal, 'weights')
    expect((await journal.send(1, [{ type: 'started' }, completed([id, 'art_nothing'])])).status).toBe(200)
    const job = await harness.getJob(journal.jobId)
    expect(job).toMatchObject({ state: 'failed', endReason: 'training_error', error: { errorType: 'CheckpointError' } })
    expect(job.error?.message).toBe(
      `The trainer reported "completed", but files that it named have not arrived: "${id}", "art_nothing"`,
    )
  })

  it('is a success when every checkpoint that it names is stored', async () => {
    const journal = await openJournal(harness)
    const { id, upload } = await announce(journal, 'weights')
    if (upload.type !== 'single') throw new Error(`the upload has the type ${upload.type}`)
    const { method, url, headers } = upload.request
    expect((await fetch(url, { method, headers, body: 'weights' })).status).toBe(200)
    expect((await journal.post(`/artifacts/${id}/complete`, {})).status).toBe(200)
    await journal.send(1, [{ type: 'started' }, completed([id])])
    expect(await harness.getJob(journal.jobId)).toMatchObject({ state: 'succeeded', endReason: 'completed' })
  })

  it('does not count a file of another job', async () => {
    const other = await openJournal(harness)
    const { id } = await announce(other, 'weights of another job')
    const journal = await openJournal(harness, { maxRetries: 0 })
    await journal.send(1, [{ type: 'started' }, completed([id])])
    expect(await harness.getJob(journal.jobId)).toMatchObject({ state: 'failed', endReason: 'training_error' })
  })
})
