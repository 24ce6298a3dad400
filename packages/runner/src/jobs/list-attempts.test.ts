import { JobAttemptList } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, journalOf, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('the attempts of a job', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  const list = async (jobId: number, query = '') => {
    const response = await harness.request(`/v1/jobs/${jobId}/attempts?${query}`)
    expect(response.status).toBe(200)
    return JobAttemptList.parse(await response.json())
  }

  it('are listed newest first, each with its end, its error without the traceback, and its number of lines', async () => {
    const { jobId, send } = await openJournal(harness)
    const failure = { errorType: 'ResourceError', message: 'x'.repeat(3000), traceback: 'at line 1', retryable: false }
    await send(1, [
      { type: 'started' },
      { type: 'log', level: 'info', message: 'one line' },
      { type: 'failed', ...failure },
    ])
    expect((await harness.request(`/v1/jobs/${jobId}/restart`, { method: 'POST' })).status).toBe(200)
    const { attempts } = await list(jobId)
    expect(attempts.map(({ attempt }) => attempt)).toEqual([2, 1])
    expect(attempts[0]).toMatchObject({ attempt: 2, logLines: 0 })
    expect(attempts[0]).not.toHaveProperty('endReason')
    const [, first] = attempts
    expect(first).toMatchObject({ endReason: 'training_error', error: { errorType: 'ResourceError' } })
    expect(first?.logLines).toBeGreaterThanOrEqual(1)
    expect(first?.error?.message).toHaveLength(2000)
    expect(first?.error).not.toHaveProperty('traceback')
    expect(Date.parse(first?.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.startedAt ?? ''))
  })

  it('come in pages', async () => {
    const { jobId, send } = await openJournal(harness)
    await send(1, [{ type: 'failed', errorType: 'UnknownError', message: 'no', retryable: false }])
    await harness.request(`/v1/jobs/${jobId}/restart`, { method: 'POST' })
    const second = await journalOf(harness, jobId, 2)
    await second.send(1, [{ type: 'failed', errorType: 'UnknownError', message: 'no', retryable: false }])
    await harness.request(`/v1/jobs/${jobId}/restart`, { method: 'POST' })
    const page = await list(jobId, 'limit=2')
    expect([page.attempts.map(({ attempt }) => attempt), page.nextCursor]).toEqual([[3, 2], '2'])
    const rest = await list(jobId, 'limit=2&cursor=2')
    expect([rest.attempts.map(({ attempt }) => attempt), rest.nextCursor]).toEqual([[1], undefined])
  })

  it('of an unknown job are not found', async () => {
    expect((await harness.request('/v1/jobs/999999/attempts')).status).toBe(404)
  })
})
