import { memory } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { assignWeights, readWeights } from '../checkpoints/checkpoint.ts'
import type { NamedTensor } from '../checkpoints/safetensors.ts'
import { measureNormalization } from '../data/normalization.ts'
import { buildNetwork } from '../models/build-network.ts'
import { createRandom } from '../random.ts'
import { chooseModel, parseSettings } from '../settings.ts'
import { startBackend } from '../tensors/start-backend.ts'
import { BAR_CLASSES, drawBars } from '../testing/bars.ts'
import { type EpochReport, type StepReport, type TrainNetworkOptions, trainNetwork } from './train-network.ts'

beforeAll(() => startBackend())

const SIZE = 12
const classCount = BAR_CLASSES.length
const trainSet = drawBars(240, SIZE, 1)
const valSet = drawBars(60, SIZE, 2)

/** Trains on bars and gives back how it went, with the weights. */
async function trainOnBars(
  model: string,
  config: Record<string, unknown>,
  more: Partial<Pick<TrainNetworkOptions, 'onStep' | 'onEpoch' | 'signal' | 'done'>> = {},
  weights?: readonly NamedTensor[],
) {
  const settings = parseSettings({
    basic: { imgsz: SIZE, batch: 16, epochs: 4, learning_rate: 0.005, ...config },
    advanced: { patch_size: 4, hidden_units: 32, mixer_width: 24, mixer_blocks: 1, ...config },
  })
  const network = buildNetwork(chooseModel(model, settings, classCount), createRandom(settings.seed, 'weights'))
  if (weights !== undefined) assignWeights(network, weights)
  try {
    const result = await trainNetwork({
      network,
      train: trainSet,
      val: valSet,
      normalization: measureNormalization(trainSet),
      classCount,
      settings,
      signal: new AbortController().signal,
      ...more,
    })
    return { result, weights: readWeights(network) }
  } finally {
    network.dispose()
  }
}

describe.each(['mlp', 'patch-mixer'])('%s', (model) => {
  test('learns to tell bars apart', async () => {
    const { result } = await trainOnBars(model, {})
    expect(result.best.validation.accuracy).toBeGreaterThan(0.9)
    expect(result.last.loss).toBeLessThan(0.5)
  })

  test('ends with the same weights for the same seed, with others for another', async () => {
    const first = await trainOnBars(model, { dropout: 0.2 })
    const second = await trainOnBars(model, { dropout: 0.2 })
    const other = await trainOnBars(model, { dropout: 0.2, seed: 43 })
    expect(second.weights).toEqual(first.weights)
    expect(second.result).toEqual(first.result)
    expect(other.weights).not.toEqual(first.weights)
  })

  test('leaves no tensor behind', async () => {
    const before = memory().numTensors
    const counts: number[] = []
    await trainOnBars(model, {}, { onEpoch: () => void counts.push(memory().numTensors) })
    expect(new Set(counts).size).toBe(1)
    expect(memory().numTensors).toBe(before)
  })
})

test('reports several steps an epoch, with the share that is done', async () => {
  const steps: StepReport[] = []
  await trainOnBars('mlp', {}, { onStep: (report) => steps.push(report) })
  expect(steps.length).toBeGreaterThanOrEqual(4 * 7)
  expect(steps.map((each) => each.step)).toEqual([...steps.map((each) => each.step)].sort((a, b) => a - b))
  expect(steps.every((each) => each.totalSteps === 60 && Number.isFinite(each.loss))).toBe(true)
})

test('stops between two steps when it is told to', async () => {
  const controller = new AbortController()
  const steps: number[] = []
  const training = trainOnBars(
    'mlp',
    {},
    {
      signal: controller.signal,
      onStep({ step }) {
        steps.push(step)
        if (step >= 6) controller.abort(new Error('enough'))
      },
    },
  )
  await expect(training).rejects.toThrow('enough')
  expect(steps).toEqual([2, 4, 6])
})

describe('behind epochs of an earlier attempt', () => {
  /** The first two of six epochs, and the weights after them. */
  async function interrupted() {
    const controller = new AbortController()
    const reports: EpochReport[] = []
    let kept: NamedTensor[] = []
    const settings = parseSettings({
      basic: { imgsz: SIZE, batch: 16, epochs: 6, learning_rate: 0.005 },
      advanced: { hidden_units: 32 },
    })
    const network = buildNetwork(chooseModel('mlp', settings, classCount), createRandom(settings.seed, 'weights'))
    const training = trainNetwork({
      network,
      train: trainSet,
      val: valSet,
      normalization: measureNormalization(trainSet),
      classCount,
      settings,
      signal: controller.signal,
      onEpoch(report) {
        reports.push(report)
        if (report.epoch < 2) return
        kept = readWeights(network).map((weight) => ({ ...weight, values: weight.values.slice() }))
        controller.abort(new Error('stopped'))
      },
    })
    await expect(training).rejects.toThrow('stopped')
    network.dispose()
    const done = reports[1]
    if (done === undefined) throw new Error('there was no second epoch')
    return { done, kept }
  }

  test('goes on with numbers, steps and learning rate, and learns as well as without a stop', async () => {
    const { done, kept } = await interrupted()
    const whole: EpochReport[] = []
    await trainOnBars('mlp', { epochs: 6 }, { onEpoch: (report) => void whole.push(report) })
    const rest: EpochReport[] = []
    const steps: StepReport[] = []
    const { result } = await trainOnBars(
      'mlp',
      { epochs: 6 },
      { done, onEpoch: (report) => void rest.push(report), onStep: (report) => void steps.push(report) },
      kept,
    )
    expect(rest.map(({ epoch }) => epoch)).toEqual([3, 4, 5, 6])
    expect(rest.map(({ learningRate }) => learningRate)).toEqual(whole.slice(2).map(({ learningRate }) => learningRate))
    expect(steps[0]).toMatchObject({ step: 2 * 15 + 2, totalSteps: 6 * 15 })
    expect(result.best.validation.accuracy).toBeGreaterThan(0.9)
    // Better than the best of before, or nothing: a worse epoch must not replace it.
    for (const report of rest)
      if (report.isBest) expect(report.validation.accuracy).toBeGreaterThanOrEqual(done.validation.accuracy)
  })

  test('has nothing left to do when all epochs were', async () => {
    const { done, kept } = await interrupted()
    const rest: EpochReport[] = []
    const { result } = await trainOnBars(
      'mlp',
      { epochs: 2 },
      { done, onEpoch: (report) => void rest.push(report) },
      kept,
    )
    expect(rest).toEqual([])
    expect(result).toEqual({ last: done, best: done, stoppedEarly: false })
  })
})

test('stops early when patience runs out', async () => {
  const { result } = await trainOnBars('mlp', { epochs: 40, patience: 2, learning_rate: 0.2, cos_lr: false })
  expect(result.stoppedEarly).toBe(true)
  expect(result.last.epoch).toBe(result.best.epoch + 2)
})

test.each<[string, Record<string, unknown>]>([
  ['optimizer', { optimizer: 'sgd' }],
  ['momentum', { optimizer: 'sgd', momentum: 0.5 }],
  ['weight_decay', { weight_decay: 0.5 }],
  ['label_smoothing', { label_smoothing: 0.2 }],
  ['dropout', { dropout: 0.3 }],
  ['augment', { augment: false }],
  ['fliplr', { fliplr: 0.5 }],
  ['cos_lr', { cos_lr: false }],
  ['warmup_epochs', { warmup_epochs: 2 }],
  ['lrf', { lrf: 1 }],
  ['hidden_layers', { hidden_layers: 2 }],
])('honours %s', async (_, config) => {
  const base = { epochs: 2, ...('momentum' in config && { optimizer: 'sgd' }) }
  const plain = await trainOnBars('mlp', base)
  const changed = await trainOnBars('mlp', { ...base, ...config })
  expect(changed.weights).not.toEqual(plain.weights)
})
