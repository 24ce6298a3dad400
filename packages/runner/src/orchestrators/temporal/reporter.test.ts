import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, startHarness } from '../../testing/harness.ts'
import { priorityKeyOf, Reporter } from './reporter.ts'

describe('reports to workflows', () => {
  let harness: Harness
  beforeEach(async () => {
    harness = await startHarness()
  })
  afterEach(() => harness.close())

  it('are sent once for each state, again on request, and again after a failure', async () => {
    const sent: unknown[] = []
    let isAway = true
    const { context } = harness.runner
    const reporter = new Reporter(context, async (jobId, _name, [report], { isOver }) => {
      if (isAway) {
        isAway = false
        return false
      }
      sent.push({ jobId, ...report, isOver })
      return true
    })
    const { id } = await harness.createJob()
    await harness.waitFor(id, ({ state }) => state === 'queued')
    reporter.changed(id)
    const first = { jobId: id, attempt: 1, state: 'queued', isOver: false }
    await expect.poll(() => sent, { timeout: 30_000 }).toEqual([first])
    reporter.changed(id)
    reporter.changed(id, { again: true })
    await expect.poll(() => sent, { timeout: 30_000 }).toEqual([first, first])
    reporter.changed(id)
    await harness.post(`/v1/jobs/${id}/cancel`, {})
    reporter.changed(id)
    const last = { jobId: id, attempt: 1, state: 'cancelled', isOver: true }
    await expect.poll(() => sent, { timeout: 30_000 }).toEqual([first, first, last])
  })

  it('carry the priority of the job in five levels', () => {
    expect([100, 50, 49, 1, 0, -1, -49, -50].map(priorityKeyOf)).toEqual([1, 1, 2, 2, 3, 4, 4, 5])
  })
})
