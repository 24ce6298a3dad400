import { describeEnd, eventsOf, plainRun } from '../compliance/record.ts'
import { shortJson } from '../manifest/read-manifest.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const predictWorks: ComplianceRule = {
  code: 'TY406',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY406'),
  help: 'Predict with the checkpoint from `inputs/checkpoint`, send one "prediction" per image, and report the number in the result.',
  check(record) {
    const run = plainRun(record, 'predict')
    if (!run) return []
    if (run.job.state !== 'succeeded') return [{ message: `predict ${describeEnd(run)}`, subject: 'failed' }]
    const { result } = run.job
    if (result?.operation !== 'predict') {
      return [
        {
          message: `predict: the operation of the result is ${shortJson(result?.operation) ?? 'missing'}; expected "predict"`,
          subject: 'result',
        },
      ]
    }
    const findings: RuleFinding[] = []
    const report = (message: string, subject: string) => findings.push({ message: `predict: ${message}`, subject })
    const predictions = eventsOf(run, 'prediction')
    const images = new Set(predictions.map(({ body }) => body.imageName))
    const { images: given, classes } = record.heldOut
    if (result.imageCount < 1) report('the result counts no images', 'count')
    if (result.imageCount > given) {
      report(`the result counts ${result.imageCount} images, but the dataset has ${given}`, 'count')
    }
    // TY410 reports predictions that the platform has rejected.
    const isComplete = run.events.every(({ type, rejected }) => type !== 'prediction' || rejected === undefined)
    if (images.size !== predictions.length) report('an image was predicted twice', 'twice')
    if (isComplete && predictions.length > 0 && images.size !== result.imageCount) {
      report(`the result counts ${result.imageCount} images, but ${images.size} were predicted`, 'count')
    }
    if (isComplete && predictions.length === 0 && result.artifactId === undefined) {
      report('there is neither a "prediction" event nor an artifact with predictions', 'none')
    }
    const objects = predictions.flatMap(({ body }) => (Array.isArray(body.predictions) ? body.predictions : []))
    const unknown = objects.find((object: { classId?: unknown }) => Number(object.classId) >= classes)
    if (unknown) report(`a class id is ${String(unknown.classId)}, but the dataset has ${classes} classes`, 'class')
    return findings
  },
}
