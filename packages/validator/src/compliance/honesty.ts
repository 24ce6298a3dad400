import { type ComplianceRecord, eventsOf, findCheckpoint, findRun, type OperationRecord, plainRun } from './record.ts'

/** By how much a reported accuracy can be above a measured one. Both are measured on a few dozen images. */
export const ACCURACY_TOLERANCE = 0.4

const SHARE =
  /(?:^|[^a-z0-9])(?:accuracy|acc|top[-_ ]?[15]|precision|recall|f1|mi?ou|iou|dice|auc|m?ap(?:[-_@ ]?\d+)*)(?:[^a-z0-9]|$)/i
const PERCENT = /percent|pct|%/i
const ACCURACY = /acc|top[-_ ]?1(?:\D|$)/i
const LOSS = /loss/i
/** Metrics that depend on the machine. */
const OF_MACHINE = /time|second|duration|speed|throughput|per_|memory|\bmem\b|gpu|cpu|eta|date|\bms\b|_ms$/i
/** Digits that must be equal by chance, all together. */
const MIN_DIGITS = 6
/** By how much a metric that follows the training changes from epoch to epoch, as a share of it. */
const MOVEMENT = 0.05

/** Values by name, by epoch. */
type Metrics = ReadonlyMap<number, ReadonlyMap<string, number>>

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
  const best = predictedClasses(run, truth)
  // TY612 reports images that do not exist.
  if (best.size === 0) return undefined
  const right = [...truth].filter(([image, classId]) => best.get(image) === classId)
  return right.length / truth.size
}

/** The class of the first prediction for each image that exists. */
export function predictedClasses(run: OperationRecord, truth: ReadonlyMap<string, unknown>): Map<string, number> {
  const best = new Map<string, number>()
  for (const { body } of eventsOf(run, 'prediction')) {
    const image = findImage(truth, String(body.imageName))
    if (image !== undefined) best.set(image, Number(topClass(body.predictions)))
  }
  return best
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

/**
 * Whether training reported an accuracy that its predictions do not have. A model that has learned little can be below chance on the few
 * images of the measurement, and above it on the few of the training: it counts as one that guesses.
 */
export function overstatesAccuracy(record: ComplianceRecord): boolean {
  const training = plainRun(record, 'train')
  const reported = training && reportedAccuracy(training)
  const measured = measuredAccuracy(record)
  if (reported === undefined || measured === undefined) return false
  return reported - Math.max(measured, 1 / record.heldOut.classes) > ACCURACY_TOLERANCE
}

/** The last value of each metric, by epoch. Metrics of the machine, such as times, are left out. */
export function readMetrics(run: OperationRecord, ...types: string[]): Map<number, Map<string, number>> {
  const found = new Map<number, Map<string, number>>()
  for (const { body } of eventsOf(run, ...types)) {
    if (typeof body.epoch !== 'number') continue
    const { primary, metrics = {} } = body as { primary?: { name: string; value: unknown }; metrics?: object }
    const all = Object.entries(primary === undefined ? metrics : { ...metrics, [primary.name]: primary.value })
    const ofEpoch = found.get(body.epoch) ?? new Map<string, number>()
    found.set(body.epoch, ofEpoch)
    for (const [name, value] of all) if (typeof value === 'number' && !OF_MACHINE.test(name)) ofEpoch.set(name, value)
  }
  return found
}

/** What two trainings with other data and another seed have in common, but cannot have. Undefined: nothing is known. */
export function repeatsResult(record: ComplianceRecord): string | undefined {
  const [one, other] = [plainRun(record, 'train'), findRun(record, 'train', 'larger')]
  if (one?.job.state !== 'succeeded' || other?.job.state !== 'succeeded') return undefined
  const [checkpoint, same] = [findCheckpoint(one), findCheckpoint(other)]
  if (checkpoint !== undefined && checkpoint.sizeBytes > 0 && checkpoint.sha256 === same?.sha256)
    return 'the same file as their best checkpoint'
  const [metrics, again] = [one, other].map((run) => readMetrics(run, 'progress', 'validation'))
  const loss = metrics && again && repeatedLoss(metrics, again)
  if (loss !== undefined) return loss
  const seen: number[] = []
  for (const [epoch, ofEpoch] of metrics ?? []) {
    for (const [name, value] of ofEpoch) {
      if (again?.get(epoch)?.get(name) !== value) return undefined
      // Shares of a few images are equal by chance.
      if (!isShare(name)) seen.push(value)
    }
  }
  // So are rounded numbers of a training that has hardly begun to learn, but not those that change.
  const [low, high] = [Math.min(...seen), Math.max(...seen)]
  return seen.length > 1 && high - low > MOVEMENT * Math.abs(high)
    ? `the same metrics to the last digit (${seen.slice(0, 3).join(', ')})`
    : undefined
}

/** A loss that falls in the same way for other data, although other metrics differ: it is computed from the epoch. */
function repeatedLoss(metrics: Metrics, again: Metrics): string | undefined {
  const names = new Set(
    [...metrics.values()].flatMap((ofEpoch) => [...ofEpoch.keys()]).filter((name) => LOSS.test(name)),
  )
  for (const name of names) {
    const pairs = [...metrics].flatMap(([epoch, ofEpoch]) => {
      const [value, other] = [ofEpoch.get(name), again.get(epoch)?.get(name)]
      return value === undefined || other === undefined ? [] : [{ value, other }]
    })
    const values = pairs.map(({ value }) => value)
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const digits = values.reduce((sum, value) => sum + String(value).replace(/^0\.0*|\D/g, '').length, 0)
    // Rounded ones can be equal by chance.
    if (pairs.some(({ value, other }) => value !== other) || values.length < 2 || digits < MIN_DIGITS) continue
    if (high - low > MOVEMENT * Math.abs(high)) return `the same "${name}" to the last digit (${values.join(', ')})`
  }
  return undefined
}
