import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  LenientConfusionMatrix,
  LenientCount,
  LenientErrorType,
  LenientFlag,
  LenientLevel,
  LenientMetrics,
  LenientPrediction,
  LenientPrimary,
  LenientSplit,
} from './lenient.ts'
import { quoteNotFinite } from './quote-not-finite.ts'
import { describeLeftOut, readReport } from './read-report.ts'

const Report = z.object({
  name: z.string(),
  epoch: LenientCount,
  level: LenientLevel,
  metrics: LenientMetrics,
  predictions: z.array(LenientPrediction).optional(),
  matrix: LenientConfusionMatrix,
})
const read = (report: object) => readReport(Report, { name: 'x', ...report })
const metric = (value: unknown) => {
  const result = read({ metrics: { value } })
  return result.state === 'read' ? result.value.metrics?.value : undefined
}

describe('a report of a program', () => {
  it.each([
    [0.5, 0.5],
    ['0.5', 0.5],
    [' 1e-3 ', 0.001],
    ['np.float32(0.5)', 0.5],
    ['numpy.float64(-0.25)', -0.25],
    ['tensor(0.5000)', 0.5],
    ["tensor(0.5, device='cuda:0', grad_fn=<NllLossBackward0>)", 0.5],
    ['tensor([0.5])', 0.5],
    ['array(0.5, dtype=float32)', 0.5],
    ['Array(0.5, dtype=float32, weak_type=True)', 0.5],
    ['tf.Tensor(0.5, shape=(), dtype=float32)', 0.5],
    ['<tf.Tensor: shape=(), dtype=float32, numpy=0.5>', 0.5],
    ['np.float64(nan)', 'NaN'],
    ['nan', 'NaN'],
    ['-inf', '-Infinity'],
    ['Infinity', 'Infinity'],
    [true, 1],
    ['False', 0],
    [[0.5], 0.5],
  ])('can have the metric %j', (value, expected) => {
    expect(metric(value)).toBe(expected)
  })

  it.each([['low'], [''], ['0.5 or so'], ['np.array([1, 2])'], [[1, 2]], [{ mean: 1 }], [null], ['None']])(
    'leaves out the metric %j and keeps the others',
    (value) => {
      const result = read({ epoch: '3', metrics: { loss: value, ok: 1 } })
      expect(result).toMatchObject({
        state: 'read',
        value: { epoch: 3, metrics: { ok: 1 } },
        leftOut: [{ path: 'metrics.loss' }],
      })
    },
  )

  it.each([
    ['WARNING', 'warning'],
    ['warn', 'warning'],
    ['Critical', 'error'],
    ['NOTSET', 'debug'],
    [30, 'warning'],
    [50, 'error'],
  ])('can have the level %j', (level, expected) => {
    expect(read({ level })).toMatchObject({ value: { level: expected }, leftOut: [] })
  })

  it('leaves out what contains a mistake when it cannot do without it', () => {
    const good = { class_id: '1', className: 'cat', confidence: '0.9', bbox: [1, 2, 3, 4] }
    const predictions = [{ ...good, confidence: 7 }, good, { ...good, bbox: [1] }, 'none']
    const result = read({ predictions: predictions.slice(0, 3), matrix: { classes: ['a'], counts: [[1, -1]] } })
    expect(result).toMatchObject({
      state: 'read',
      value: { predictions: [{ classId: 1, className: 'cat', confidence: 0.9, bbox: [1, 2, 3, 4] }, { classId: 1 }] },
    })
    expect(result.state === 'read' && result.value.matrix).toBeUndefined()
    expect(result.state === 'read' && result.value.predictions?.[1]).not.toHaveProperty('bbox')
  })

  it.each(['level', 'flag', 'errorType', 'split', 'primary'] as const)('leaves out an object as its %s', (field) => {
    const Words = z.object({
      level: LenientLevel,
      flag: LenientFlag,
      errorType: LenientErrorType,
      split: LenientSplit,
      primary: LenientPrimary,
    })
    const odd = { toString: 1, valueOf: 'x', length: -1 }
    const value = field === 'primary' ? { name: 'loss', goal: odd } : odd
    expect(readReport(Words, { [field]: value })).toMatchObject({ state: 'read', leftOut: [{ value: odd }] })
  })

  it('is invalid without a field that must not be absent', () => {
    expect(readReport(Report, { epoch: 1 })).toMatchObject({ state: 'invalid', issues: [{ path: 'name' }] })
    expect(readReport(Report, { name: 'x', epoch: 'x' }, { essential: ['epoch'] })).toMatchObject({ state: 'invalid' })
  })

  it('is described with the name that the sender used', () => {
    const result = readReport(Report, { name: 'x', epoch: 'x' }, { names: new Map([['epoch', 'currentEpoch']]) })
    expect(result.state === 'read' && result.leftOut.map(describeLeftOut)).toEqual([
      '"currentEpoch" is "x"; it must be a number',
    ])
  })
})

describe('JSON with bare NaN and Infinity', () => {
  it.each([
    ['{"a": NaN, "b": -Infinity}', { a: 'NaN', b: '-Infinity' }],
    ['{"a \\" NaN": "Infinity", "b": [NaN]}', { 'a " NaN': 'Infinity', b: ['NaN'] }],
  ])('becomes JSON: %s', (text, expected) => {
    expect(JSON.parse(quoteNotFinite(text))).toEqual(expected)
  })

  it('is read once, also when a text in it does not end', () => {
    const text = `{"a": "${'\\"'.repeat(500_000)}`
    expect(quoteNotFinite(text)).toBe(text)
  })
})
