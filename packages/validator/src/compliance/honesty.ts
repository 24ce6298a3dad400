import { type ComplianceRecord, eventsOf, findRun, type OperationRecord, plainRun } from './record.ts'

/** By how much a reported accuracy can be above a measured one. Both are measured on a few dozen images. */
export const ACCURACY_TOLERANCE = 0.4

const SHARE =
  /(?:^|[^a-z0-9])(?:accuracy|acc|top[-_ ]?[15]|precision|recall|f1|mi?ou|iou|dice|auc|m?ap(?:[-_@ ]?\d+)*)(?:[^a-z0-9]|$)/i
const PERCENT = /percent|pct|%/i
const ACCURACY = /acc|top[-_ ]?1(?:\D|$)/i
const LOSS = /loss/i

/** Whether a metric with this name is a share, from 0 to 1: an accuracy, a precision, an average precision. */
export function isShare(name: string): boolean {
  return SHARE.test(name) && !PERCENT.test(name) && !LOSS.test(name)
}

/** Whether a training asked for the files of its dataset. One that did not cannot have trained with it. */
export function readDataset(run: OperationRecord): boolean {
  return run.datasetRequests > 0
}

/** Whether predictions are the same whatever the checkpoint is. Undefined: not known. */
export function ignoresCheckpoint(record: ComplianceRecord): boolean | undefined {
  const [plain, swapped] = [plainRun(record, 'predict'), findRun(record, 'predict', 'swapped')]
  if (plain?.job.state !== 'succeeded' || swapped?.job.state !== 'succeeded') return undefined
  const found = [plain, swapped].map(listPredictions)
  // A detector that has hardly been trained finds nothing, whatever its checkpoint is.
  if (found.some((images) => [...images.values()].every((objects) => objects === '[]'))) return undefined
  const [one, other] = found
  return [...(one ?? [])].every(([image, objects]) => other?.get(image) === objects)
}

function listPredictions(run: OperationRecord): Map<string, string> {
  const predictions = eventsOf(run, 'prediction')
  return new Map(predictions.map(({ body }) => [String(body.imageName), JSON.stringify(body.predictions)]))
}

/** The reported accuracy of the best checkpoint, on the validation images. */
export function reportedAccuracy(run: OperationRecord): number | undefined {
  const { name } = run.job.primaryMetric
  if (!ACCURACY.test(name)) return undefined
  const validations = eventsOf(run, 'validation')
  const checkpoints = eventsOf(run, 'checkpoint')
  const best = checkpoints.findLast(({ body }) => body.name === 'best') ?? checkpoints.at(-1)
  const last = validations.findLast(({ body }) => body.epoch === best?.body.epoch) ?? validations.at(-1)
  const primary = last?.body.primary as { name?: unknown; value?: unknown } | undefined
  const value = primary?.name === name ? primary.value : (last?.body.metrics as Record<string, unknown>)?.[name]
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined
}

/** The share of held-out images whose first prediction is the true class. Undefined: nothing was predicted, or not classes. */
export function measuredAccuracy(record: ComplianceRecord): number | undefined {
  const run = plainRun(record, 'predict')
  if (record.task !== 'classification' || run?.job.state !== 'succeeded') return undefined
  const { truth } = record.heldOut
  const best = new Map<string, unknown>()
  for (const { body } of eventsOf(run, 'prediction')) {
    const image = findImage(truth, String(body.imageName))
    if (image !== undefined) best.set(image, topClass(body.predictions))
  }
  // TY612 reports images that do not exist.
  if (best.size === 0) return undefined
  const right = [...truth].filter(([image, classId]) => best.get(image) === classId)
  return right.length / truth.size
}

/** The image of the dataset that a prediction names. Some trainers send the name of the file, without its folder. */
export function findImage(truth: ReadonlyMap<string, unknown>, name: string): string | undefined {
  if (truth.has(name)) return name
  const base = (path: string) => path.slice(path.lastIndexOf('/') + 1)
  return [...truth.keys()].find((path) => base(path) === base(name))
}

function topClass(predictions: unknown): unknown {
  const objects = Array.isArray(predictions) ? (predictions as { classId?: unknown; confidence?: unknown }[]) : []
  return objects.toSorted((a, b) => Number(b.confidence) - Number(a.confidence))[0]?.classId
}

/** Whether training reported an accuracy that its predictions do not have. */
export function overstatesAccuracy(record: ComplianceRecord): boolean {
  const training = plainRun(record, 'train')
  const reported = training && reportedAccuracy(training)
  const measured = measuredAccuracy(record)
  return reported !== undefined && measured !== undefined && reported - measured > ACCURACY_TOLERANCE
}
