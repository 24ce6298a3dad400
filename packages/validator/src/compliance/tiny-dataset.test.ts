import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { TrainerManifest } from '@trainyard/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './open-stage.ts'
import { canMakeDataset, createTinyDataset } from './tiny-dataset.ts'

const dir = fileURLToPath(new URL('../../fixtures/trainers/good', import.meta.url))
const databaseUrl = process.env.TEST_DATABASE_URL
let stage: Stage

beforeAll(async () => {
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(`${dir}/trainer.json`, 'utf8')))
  stage = await openStage({
    dir,
    manifest,
    sandbox: { choice: 'auto', hiddenDirs: [] },
    startTimeoutSeconds: 10,
    cancelGraceSeconds: 1,
    databaseUrl,
  })
})
afterAll(() => stage.close())

test.each(['classification', 'detection', 'segmentation', 'pose'] as const)(
  'the runner accepts the generated dataset for %s',
  async (task) => {
    expect(canMakeDataset(task)).toBe(true)
    const tiny = await createTinyDataset(task, 1)
    const dataset = await stage.api.uploadDataset(tiny.tar, task)
    expect(dataset).toMatchObject({ taskType: task, format: 'dice' })
    expect(dataset.classes).toHaveLength(tiny.classes)
    expect(dataset.counts).toEqual({
      images: tiny.images,
      labelled: tiny.images,
      annotations: tiny.images,
      splits: { train: 18, val: 6, test: 6 },
    })
  },
)

test('the same seed gives the same bytes', async () => {
  const [one, same, other] = await Promise.all([1, 1, 2].map((seed) => createTinyDataset('detection', seed)))
  expect(one?.tar).toEqual(same?.tar)
  expect(one?.tar).not.toEqual(other?.tar)
})
