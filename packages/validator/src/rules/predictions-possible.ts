import { findImage, readDataset } from '../compliance/honesty.ts'
import { type ComplianceRecord, eventsOf, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Models may place a box somewhat outside of the image. */
const MARGIN = 0.5

export const predictionsPossible: ComplianceRule = {
  code: 'TY612',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY612'),
  help: 'Send the id and the name of a class as the dataset has them, the path of the image as the dataset has it, and boxes in pixels of the image.',
  check(record) {
    const run = plainRun(record, 'predict')
    if (run?.job.state !== 'succeeded') return []
    // TY607 reports a training that cannot know the names.
    const training = plainRun(record, 'train')
    if (training !== undefined && !readDataset(training)) return []
    const problems = new Map<string, string>()
    for (const { body } of eventsOf(run, 'prediction')) {
      const image = String(body.imageName)
      if (findImage(record.heldOut.truth, image) === undefined)
        problems.set('image', `"${image.slice(0, 200)}" is not an image of the dataset`)
      const objects = Array.isArray(body.predictions) ? (body.predictions as Record<string, unknown>[]) : []
      for (const object of objects) {
        const [subject, problem] = findProblem(record, object) ?? []
        if (subject !== undefined && problem !== undefined) problems.set(subject, problem)
      }
    }
    return [...problems].map(([subject, problem]) => ({ message: `predict: ${problem}`, subject }))
  },
}

function findProblem({ heldOut }: ComplianceRecord, object: Record<string, unknown>): [string, string] | undefined {
  const { classNames, imageSize } = heldOut
  const { classId, className, bbox } = object
  const expected = classNames[Number(classId)]
  // TY406 reports an id that does not exist.
  if (expected !== undefined && className !== expected)
    return [
      'name',
      `the class ${String(classId)} is called "${String(className).slice(0, 200)}"; the dataset calls it "${expected}"`,
    ]
  const [x1, y1, x2, y2] = Array.isArray(bbox) ? bbox.map(Number) : []
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) return undefined
  const low = -MARGIN * imageSize
  const high = (1 + MARGIN) * imageSize
  if ([x1, y1, x2, y2].every((value) => value >= low && value <= high) && x2 >= x1 && y2 >= y1) return undefined
  return [
    'box',
    `the box ${JSON.stringify(bbox)} is not x1, y1, x2, y2 within the image, which has ${imageSize} × ${imageSize} pixels`,
  ]
}
