import { expect, test } from 'vitest'
import type { ComplianceRecord, OperationRecord } from '../compliance/record.ts'
import { runRule } from '../rule.ts'
import { accuracyTrue } from './accuracy-true.ts'

const IMAGES = 18

/** A training that reported an accuracy, and predictions for images of three classes, some of which are right. */
function record(reported: number, right: number): ComplianceRecord {
  const truth = new Map(Array.from({ length: IMAGES }, (_, index) => [`${index}.png`, index % 3]))
  const events = (bodies: readonly object[], type: string) => bodies.map((body) => ({ type, body }))
  const operation = (name: string, ofRun: readonly object[]) => ({
    operation: name,
    purpose: 'plain',
    job: { state: 'succeeded', primaryMetric: { name: 'accuracy', mode: 'max' } },
    events: ofRun,
    artifacts: [],
    datasetRequests: 1,
  })
  const primary = { name: 'accuracy', value: reported }
  const predictions = [...truth].map(([imageName, classId], index) => ({
    imageName,
    predictions: [{ classId: index < right ? classId : (classId + 1) % 3, confidence: 1 }],
  }))
  const operations = [
    operation('train', events([{ epoch: 1, primary, metrics: {} }], 'validation')),
    operation('predict', events(predictions, 'prediction')),
  ] as unknown as OperationRecord[]
  return { task: 'classification', operations, heldOut: { truth, classes: 3 } } as unknown as ComplianceRecord
}

test('an accuracy that the predictions do not have is found', async () => {
  expect(await runRule(accuracyTrue, record(0.97, 6))).toMatchObject([
    { code: 'TY608', message: expect.stringContaining('reported an accuracy of 0.97') },
  ])
  expect(await runRule(accuracyTrue, record(0.97, 15))).toEqual([])
})

test('a model that has learned little is not accused, however its guesses turn out', async () => {
  expect(await runRule(accuracyTrue, record(0.61, 3))).toEqual([])
  expect(await runRule(accuracyTrue, record(0.7, 0))).toEqual([])
  expect(await runRule(accuracyTrue, record(0.8, 0))).toHaveLength(1)
})
