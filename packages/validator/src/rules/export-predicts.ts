import { measuredAccuracy, predictedClasses } from '../compliance/honesty.ts'
import { plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'
import { findOtherOrder } from './export-agrees.ts'

/** Of a model that is often wrong itself, little can be said. */
const MIN_ACCURACY = 0.8
/** By how much an export must be better than chance for one of the ways to prepare images. */
const MARGIN = 0.15
/** Fewer were tried: one of them agreed, or the model could not be run. */
const MIN_VARIANTS = 8

export const exportPredicts: ComplianceRule = {
  code: 'TY618',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY618'),
  help: 'Export the weights of the checkpoint, in evaluation mode, and compare some outputs with those of predict before the upload.',
  check(record) {
    const { exported, heldOut } = record
    const predictions = plainRun(record, 'predict')
    if (exported?.state !== 'ran' || exported.variants.length < MIN_VARIANTS || predictions === undefined) return []
    const accuracy = measuredAccuracy(record)
    if (accuracy === undefined || accuracy < MIN_ACCURACY) return []
    const predicted = [...predictedClasses(predictions, heldOut.truth).values()]
    const best = Math.max(...exported.variants.map(({ found }) => shareOf(found, predicted)))
    // TY617 reports another order.
    if (best > 1 / heldOut.classes + MARGIN || findOtherOrder(record) !== undefined) return []
    const message = `export: the exported model finds the class that predict finds in ${percent(best)} of the images, however they are prepared; predict is right in ${percent(accuracy)}`
    return [{ message, subject: 'weights' }]
  },
}

function shareOf(found: readonly number[], predicted: readonly number[]): number {
  return found.filter((classId, index) => classId === predicted[index]).length / Math.max(1, predicted.length)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
