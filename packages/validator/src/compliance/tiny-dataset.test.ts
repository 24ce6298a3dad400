import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { TrainerManifest } from '@trainyard/contract'
import { unpackTar } from 'modern-tar'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './open-stage.ts'
import { canMakeDataset, createTinyDataset } from './tiny-dataset.ts'

const dir = fileURLToPath(new URL('../../fixtures/trainers/good', import.meta.url))
const databaseUrl = process.env.TEST_DATABASE_URL
let stage: Stage

beforeAll(async () => {
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(`${dir}/trainer.json`, 'utf8')))
  stage = await openStage({
    trainer: { dir },
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
      splits: { train: 18, val: 18, test: 6 },
    })
  },
)

test('the same seed gives the same bytes', async () => {
  const [one, same, other] = await Promise.all([1, 1, 2].map((seed) => createTinyDataset('detection', seed)))
  expect(one?.tar).toEqual(same?.tar)
  expect(one?.tar).not.toEqual(other?.tar)
})

test('neither names nor order tell the classes, and labels can be wrong or random', async () => {
  const labelsOf = async (labels: 'true' | 'wrong' | 'random') => {
    const { tar, truth } = await createTinyDataset('classification', 3, { labels })
    const entry = (await unpackTar(tar)).find(({ header }) => header.name === 'annotations.json')
    const { images } = JSON.parse(Buffer.from(entry?.data ?? []).toString('utf8')) as {
      images: { file_name: string; annotations: { class_id: number }[] }[]
    }
    const shares = images.map((image) => image.annotations[0]?.class_id === truth.get(image.file_name))
    return {
      classes: [...truth.values()],
      names: [...truth.keys()],
      right: shares.filter(Boolean).length,
      all: shares.length,
    }
  }
  const { classes, names, right, all } = await labelsOf('true')
  expect(names.every((name) => /^images\/\d{4}\.png$/.test(name))).toBe(true)
  expect(classes).not.toEqual(classes.toSorted())
  expect(right).toBe(all)
  expect((await labelsOf('wrong')).right).toBe(0)
  const random = await labelsOf('random')
  expect(random.right / random.all).toBeGreaterThan(0.1)
  expect(random.right / random.all).toBeLessThan(0.7)
})
