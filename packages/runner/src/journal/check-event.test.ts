import { describe, expect, it } from 'vitest'
import { MAX_EVENT_VALUES } from './check-event.ts'
import { parseEvents } from './parse-events.ts'
import type { RawEvent } from './raw-event.ts'

const time = '2026-01-01T00:00:00.000Z'
const primary = { name: 'f1', value: 1, goal: 'maximize' }
const many = <T>(count: number, item: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => item(i))
const validation = (more: object): RawEvent => ({ seq: 1, time, type: 'validation', primary, ...more })
const prediction = (predictions: unknown): RawEvent => ({
  seq: 1,
  time,
  type: 'prediction',
  imageName: 'a.png',
  predictions,
})
const matrix = (counts: unknown, classes = 2) => ({ classes: many(classes, (index) => `c${index}`), counts })
const found = { classId: 1, className: 'c', confidence: 0.5, bbox: [1, 2, 3, 4] }
const problemOf = async (event: RawEvent) => (await parseEvents([event])).rejected[0]

describe('a large event', () => {
  it('is stored with all cells of a confusion matrix of a thousand classes', async () => {
    const event = validation({
      confusionMatrix: matrix(
        many(1000, (row) => many(1000, (cell) => row + cell)),
        1000,
      ),
    })
    const batch = await parseEvents([event])
    expect(batch.rejected).toEqual([])
    expect(batch.events[0]?.body).toBe(event)
    expect(batch.metrics).toMatchObject([{ name: 'f1', value: 1 }])
  })

  it.each<[string, unknown, string]>([
    [
      'a negative number',
      [
        [1, 0],
        [0, -1],
      ],
      'confusionMatrix.counts.1.1',
    ],
    ['a fraction', [[1, 0.5]], 'confusionMatrix.counts.0.1'],
    ['a text', [['1']], 'confusionMatrix.counts.0.0'],
    ['a row that is no list', [[1], 2], 'confusionMatrix.counts.1'],
    ['a list instead of a number', [[[]]], 'confusionMatrix.counts.0.0'],
  ])('is rejected for %s in its matrix, at the first one', async (_what, counts, path) => {
    expect(await problemOf(validation({ confusionMatrix: matrix(counts) }))).toMatchObject({ seq: 1, path })
  })

  it('keeps its matrix in the event, as the schema describes it', async () => {
    expect(await problemOf(validation({ confusionMatrix: matrix([[1]]), epoch: -1 }))).toMatchObject({ path: 'epoch' })
    expect(await problemOf(validation({ confusionMatrix: { classes: 'all', counts: [[1]] } }))).toMatchObject({
      path: 'confusionMatrix.classes',
    })
    expect(await problemOf(validation({ confusionMatrix: { classes: [], counts: 1 } }))).toMatchObject({
      path: 'confusionMatrix.counts',
    })
  })

  it('is rejected with the number of its predictions, and with the place of a bad one', async () => {
    expect(await problemOf(prediction(many(10_000, () => found)))).toBeUndefined()
    expect(await problemOf(prediction(many(100_000, () => found)))).toMatchObject({
      path: 'predictions',
      detail: 'must be at most 10000 items long, and has 100000',
    })
    expect(await problemOf(prediction([found, { ...found, confidence: 2 }]))).toMatchObject({
      path: 'predictions.1.confidence',
    })
    expect(await problemOf(prediction([found, 7]))).toMatchObject({ path: 'predictions.1' })
    expect(await problemOf(prediction({}))).toMatchObject({ path: 'predictions' })
  })

  it.each<[string, RawEvent]>([
    [
      'metrics by class',
      validation({ perClass: Object.fromEntries(many(10_000, (index) => [`c${index}`, { a: 1 }])) }),
    ],
    [
      'metrics',
      { seq: 1, time, type: 'progress', metrics: Object.fromEntries(many(30_000, (index) => [`m${index}`, 1])) },
    ],
    ['data', { seq: 1, time, type: 'log', level: 'info', message: 'x', data: { list: many(30_000, () => null) } }],
    ['a polygon', prediction([{ ...found, polygon: many(30_000, () => 1) }])],
  ])('is rejected for more values than a turn can check: %s', async (_what, event) => {
    expect(await problemOf(event)).toMatchObject({
      detail: expect.stringContaining(`at most ${MAX_EVENT_VALUES} values`),
    })
  })

  it('lets others go first between its predictions and between events', async () => {
    const large = many(20, (index) => ({ ...prediction(many(5000, () => found)), seq: index + 1 }))
    let turns = 0
    const count = () => {
      turns++
      pending = setImmediate(count)
    }
    let pending = setImmediate(count)
    const batch = await parseEvents(large)
    clearImmediate(pending)
    expect(batch.rejected).toEqual([])
    expect(batch.events).toHaveLength(20)
    expect(turns).toBeGreaterThan(1)
  })
})
