import { JobValidationList } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('the validations of a job', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  const list = async (jobId: number, query = '') => {
    const response = await harness.request(`/v1/jobs/${jobId}/validations?${query}`)
    expect(response.status).toBe(200)
    return JobValidationList.parse(await response.json())
  }
  const validation = (epoch: number) => ({
    type: 'validation',
    epoch,
    split: 'val',
    primary: { name: 'top1_accuracy', value: epoch / 10, goal: 'maximize' },
    perClass: { cat: { recall: 0.5 }, '<b>dog</b>': { recall: 'NaN' } },
    confusionMatrix: {
      classes: ['cat', '<b>dog</b>'],
      counts: [
        [3, 1],
        [0, 4],
      ],
    },
  })

  it('are listed newest first, with the confusion matrix and the values per class', async () => {
    const { jobId, send } = await openJournal(harness)
    await send(1, [validation(1), { type: 'progress', epoch: 2 }, { type: 'validation', epoch: 'x' }, validation(2)])
    const { validations, nextCursor } = await list(jobId, 'limit=1')
    expect(validations).toMatchObject([
      {
        attempt: 1,
        epoch: 2,
        confusionMatrix: {
          counts: [
            [3, 1],
            [0, 4],
          ],
        },
      },
    ])
    expect(validations[0]?.perClass).toEqual({ cat: { recall: 0.5 }, '<b>dog</b>': { recall: 'NaN' } })
    const rest = await list(jobId, `limit=1&cursor=${nextCursor}`)
    expect(rest.validations.map(({ epoch }) => epoch)).toEqual([1])
    expect(rest.nextCursor).toBeUndefined()
    expect((await list(jobId, 'attempt=2')).validations).toEqual([])
  })
})
