import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createClient, type TrainyardClient } from '@trainyard/client'
import type { CreateJobInput, Job } from '@trainyard/contract'
import { makeZip, testDatabaseUrl } from '@trainyard/platform/testing'
import { type EmbeddedRunner, startEmbeddedRunner } from '@trainyard/runner'
import { encode } from 'fast-png'
import { unpackTar } from 'modern-tar/fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTrainer } from '../../scripts/lib/trainers.ts'
import { loadCheckpoint } from '../../trainers/tfjs-classifier/src/checkpoints/checkpoint.ts'
import { BAR_CLASSES, drawBars } from '../../trainers/tfjs-classifier/src/testing/bars.ts'
import { jobWhen, TRAINER_DIR } from './prepare-training.ts'

const SIZE = 16
let dir: string
let embedded: EmbeddedRunner
let client: TrainyardClient

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-predict-'))
  await buildTrainer(TRAINER_DIR)
  embedded = await startEmbeddedRunner({ trainerDir: TRAINER_DIR, databaseUrl: testDatabaseUrl() })
  client = createClient({ runnerUrl: embedded.url, token: embedded.token })
}, 60_000)
afterAll(async () => {
  await embedded?.close()
  await rm(dir, { recursive: true, force: true })
})

function drawn(split: string, count: number, seed: number) {
  const set = drawBars(count, SIZE, seed)
  return Array.from({ length: count }, (_, index) => {
    const data = set.pixels.subarray(index * SIZE * SIZE, (index + 1) * SIZE * SIZE)
    const name = BAR_CLASSES[set.labels[index] ?? 0] ?? ''
    return {
      path: `${split}/${name}/${index}.png`,
      body: encode({ width: SIZE, height: SIZE, channels: 1, depth: 8, data }),
    }
  })
}

async function upload(name: string, files: { path: string; body: Uint8Array }[]): Promise<string> {
  const response = await fetch(`${embedded.url}/v1/datasets?name=${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/zip', authorization: `Bearer ${embedded.token}` },
    body: makeZip(files),
  })
  expect(response.status, await response.clone().text()).toBe(201)
  return ((await response.json()) as { id: string }).id
}

async function run(input: Omit<CreateJobInput, 'trainer'>): Promise<Job> {
  const { id } = await client.jobs.create({ trainer: 'trainyard/tfjs-classifier', ...input })
  const job = await jobWhen(client, id, ({ state }) => ['succeeded', 'failed', 'cancelled'].includes(state), 'its end')
  expect(job.state, JSON.stringify(job.error)).toBe('succeeded')
  return job
}

async function download(jobId: number, kind: string): Promise<Response> {
  const { artifacts } = await client.jobs.artifacts(jobId)
  const artifact = artifacts.find((each) => each.kind === kind)
  const response = await fetch(`${embedded.url}/v1/jobs/${jobId}/artifacts/${artifact?.id}/download`, {
    headers: { authorization: `Bearer ${embedded.token}` },
  })
  expect(response.status).toBe(200)
  return response
}

interface Predictions {
  total_images: number
  images: { image_name: string; predictions: { class_name: string; confidence: number }[] }[]
}

test('a model is trained, predicts on a dataset and on images alone, is exported, and predicts the same', async () => {
  const dataset = await upload('bars', [...drawn('train', 90, 1), ...drawn('val', 30, 2), ...drawn('test', 30, 3)])
  const trained = await run({ dataset, config: { epochs: 3, imgsz: 14, batch: 16 } })
  const { artifacts } = await client.jobs.artifacts(trained.id)
  const checkpoint = artifacts.findLast(({ name }) => name.startsWith('best'))
  if (checkpoint === undefined || trained.result?.operation !== 'train') throw new Error(JSON.stringify(trained))

  const predicted = await run({ operation: 'predict', dataset, checkpoint: checkpoint.id })
  expect(predicted.result).toMatchObject({ operation: 'predict', imageCount: 30 })
  const predictions = (await (await download(predicted.id, 'prediction')).json()) as Predictions
  const hits = predictions.images.filter((row) => row.image_name.split('/').at(-2) === row.predictions[0]?.class_name)
  expect(hits.length / 30).toBeCloseTo(Number(trained.result.metrics.test_accuracy))

  const plain = drawn('test', 30, 3).map(({ body }, index) => ({ path: `${index}.png`, body }))
  const images = await upload('photos', plain)
  const alone = await run({ operation: 'predict', dataset: images, checkpoint: checkpoint.id })
  expect(alone.result).toMatchObject({ imageCount: 30 })

  const exported = await run({ operation: 'export', checkpoint: checkpoint.id, exportFormat: 'safetensors' })
  expect(exported.result).toMatchObject({ operation: 'export', format: 'safetensors' })
  const out = join(dir, 'exported')
  await mkdir(out)
  const tar = Buffer.from(await (await download(exported.id, 'export')).arrayBuffer())
  await pipeline(Readable.from([tar]), unpackTar(out))
  const original = await fetch(`${embedded.url}/v1/jobs/${trained.id}/artifacts/${checkpoint.id}/download`, {
    headers: { authorization: `Bearer ${embedded.token}` },
  })
  await writeFile(join(dir, 'best.safetensors'), Buffer.from(await original.arrayBuffer()))
  const [theirs, ours] = [
    await loadCheckpoint(join(out, 'model.safetensors')),
    await loadCheckpoint(join(dir, 'best.safetensors')),
  ]
  // The same weights under the same description give the same answers.
  expect(theirs).toEqual(ours)
}, 180_000)
