import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrainerEvent } from '@trainyard/contract'
import { encode } from 'fast-png'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BAR_CLASSES, drawBars } from './testing/bars.ts'
import { readWeightsManifest } from './testing/read-weights-manifest.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const SIZE = 16

let dir: string
let dataset: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-tfjs-'))
  dataset = join(dir, 'bars')
  for (const [split, count, seed] of [
    ['train', 120, 1],
    ['val', 30, 2],
    ['test', 30, 3],
  ] as const) {
    const set = drawBars(count, SIZE, seed)
    for (let i = 0; i < count; i++) {
      const folder = join(dataset, split, BAR_CLASSES[set.labels[i] ?? 0] ?? '')
      await mkdir(folder, { recursive: true })
      const data = set.pixels.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE)
      await writeFile(join(folder, `${i}.png`), encode({ width: SIZE, height: SIZE, channels: 1, depth: 8, data }))
    }
  }
})
afterAll(() => rm(dir, { recursive: true, force: true }))

test('trains, predicts and exports from the command line', async () => {
  const trained = await run('train', '--dataset', dataset, '--epochs', '4', '--imgsz', '14', '--batch', '16')
  expect(trained.code, trained.output).toBe(0)
  expect(trained.events[0]?.type === 'log' || trained.events[0]?.type === 'started').toBe(true)
  const epochs = trained.events.flatMap((event) =>
    event.type === 'progress' && event.epoch !== undefined ? [event.epoch] : [],
  )
  expect(epochs).toEqual([1, 2, 3, 4])
  expect(trained.events.filter((event) => event.type === 'progress' && event.step !== undefined).length).toBe(32)
  const [val, tested] = trained.events.filter((event) => event.type === 'validation')
  expect(val).toMatchObject({ split: 'val', primary: { name: 'top1_accuracy' } })
  expect(tested?.confusionMatrix?.counts.flat().reduce((sum, count) => sum + count, 0)).toBe(30)
  expect(Object.keys(tested?.perClass ?? {}).sort()).toEqual([...BAR_CLASSES].sort())
  const completed = trained.events.at(-1)
  if (completed?.type !== 'completed' || completed.result.operation !== 'train') throw new Error(trained.output)
  expect(completed.result.metrics.test_accuracy).toBeGreaterThan(0.8)
  expect(completed.result.bestEpoch).toBeGreaterThan(0)

  const checkpoint = join(trained.dir, 'best.safetensors')
  const predicted = await run('predict', '--images', join(dataset, 'test'), '--checkpoint', checkpoint)
  expect(predicted.code, predicted.output).toBe(0)
  const result = JSON.parse(await readFile(join(predicted.dir, 'predictions.json'), 'utf8'))
  expect(result.total_images).toBe(30)
  const hits = result.images.filter(
    (row: { image_name: string; predictions: { class_name: string }[] }) =>
      row.image_name.split('/').at(-2) === row.predictions[0]?.class_name,
  )
  // What it was tested on: predicting must come to the same answers.
  expect(hits.length / 30).toBeCloseTo(Number(completed.result.metrics.test_accuracy))

  const out = join(dir, 'exported')
  const exported = await run('export', '--checkpoint', checkpoint, '--format', 'tfjs', '--out', out)
  expect(exported.code, exported.output).toBe(0)
  const { info } = await readWeightsManifest(join(out, 'model-tfjs'))
  expect(info.spec).toMatchObject({ model: 'mlp', imageSize: 14, classCount: 3 })
  const metadata = JSON.parse(await readFile(join(out, 'model-tfjs', 'metadata.json'), 'utf8'))
  expect(metadata).toMatchObject({ export_format: 'tfjs', input_shape: [1, 14, 14, 1], num_classes: 3 })
})

test('keeps the last checkpoint when it is told to stop', async () => {
  const stopped = await run('train', '--dataset', dataset, '--epochs', '1000', (child) => {
    child.stdout?.on('data', (text) => {
      // Once: the summary names it too.
      if (!child.killed && String(text).includes('batch_loss')) child.kill('SIGTERM')
    })
  })
  expect(stopped.code, stopped.output).toBe(143)
  expect(stopped.events.at(-1)?.type).toBe('cancelled')
  expect(stopped.events.some((event) => event.type === 'checkpoint' && event.name === 'last')).toBe(true)
})

test('fails for good, naming the file, when an image is corrupt', async () => {
  const broken = join(dir, 'broken')
  await mkdir(join(broken, 'train', 'a'), { recursive: true })
  await writeFile(join(broken, 'train', 'a', 'torn.png'), (await readFile(firstImage())).subarray(0, 60))
  const failed = await run('train', '--dataset', broken, '--epochs', '1')
  expect(failed.code).toBe(3)
  expect(failed.events.at(-1)).toMatchObject({
    type: 'failed',
    errorType: 'DatasetError',
    message: expect.stringContaining('torn.png'),
  })
})

function firstImage(): string {
  return join(dataset, 'train', BAR_CLASSES[0] ?? '', '0.png')
}

/** Runs the trainer as a process of its own, and reads the journal that it left. */
async function run(...args: (string | ((child: ChildProcess) => void))[]) {
  const runs = await mkdtemp(join(dir, 'runs-'))
  const words = args.filter((arg) => typeof arg === 'string')
  const child = spawn(process.execPath, ['--conditions=trainyard-source', MAIN, ...words, '--runs', runs], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CALLBACK_URL: undefined, OPERATION: undefined },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)))
  for (const arg of args) if (typeof arg === 'function') arg(child)
  const [code] = (await once(child, 'close')) as [number | null]
  const journal = await readFile(join(runs, '1', 'journal.jsonl'), 'utf8')
  const events = journal
    .trim()
    .split('\n')
    .map((line) => TrainerEvent.parse(JSON.parse(line)))
  return { code, output, events, dir: join(runs, '1') }
}
