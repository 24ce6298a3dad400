import { expect, test } from 'vitest'
import { artifactFixture, jobFixture, succeededJob } from '../testing/fixtures.ts'
import { groupArtifacts } from './artifact-groups.ts'

const saved = (name: string, seconds: number, kind: 'checkpoint' | 'plot' = 'checkpoint') =>
  artifactFixture({
    id: name,
    name,
    kind,
    epoch: seconds,
    createdAt: new Date(Date.UTC(2026, 10, 20, 9, 0, seconds)).toISOString(),
  })

test('the newest checkpoint named "best" is the best one, in any folder and spelling', () => {
  const all = [saved('best.bin', 1), saved('weights/model_BEST.pt', 2), saved('bestiary.bin', 3)]
  const { best, last, otherCheckpoints } = groupArtifacts(jobFixture(), all)
  expect([best?.name, last?.name, otherCheckpoints.map(({ name }) => name)]).toEqual([
    'weights/model_BEST.pt',
    'bestiary.bin',
    ['best.bin'],
  ])
})

test('without such a name, the best one is of the epoch that the result names', () => {
  const result = { operation: 'train' as const, metrics: {}, bestEpoch: 2, checkpointIds: [] }
  const job = { ...succeededJob(), result }
  const { best, last } = groupArtifacts(job, [saved('e1', 1), saved('e2', 2), saved('e3', 3)])
  expect([best?.name, last?.name]).toEqual(['e2', 'e3'])
})

test('one checkpoint is not shown twice, and other files are apart', () => {
  const { best, last, otherCheckpoints, files } = groupArtifacts(jobFixture(), [
    saved('best.bin', 1),
    saved('curve.png', 2, 'plot'),
  ])
  expect([best?.name, last, otherCheckpoints, files.map(({ name }) => name)]).toEqual([
    'best.bin',
    undefined,
    [],
    ['curve.png'],
  ])
})
