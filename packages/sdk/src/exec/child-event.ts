import {
  ArtifactKind,
  decodeMetric,
  type LeftOutField,
  LenientAmount,
  LenientConfusionMatrix,
  LenientCount,
  LenientDetails,
  LenientErrorType,
  LenientFlag,
  LenientLevel,
  LenientMetrics,
  LenientPerClass,
  LenientPrediction,
  LenientPrimary,
  LenientSplit,
  LenientText,
  type Metrics,
  quoteNotFinite,
  readReport,
  renameFields,
} from '@trainyard/contract'
import { z } from 'zod'

const toNumbers = (metrics: Metrics | undefined): Record<string, number> | undefined =>
  metrics && Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, decodeMetric(value)]))
const metrics = LenientMetrics.transform(toNumbers)
const file = z.string().min(1).describe('Path of a file or a folder, relative to the working folder of the program')
const optional = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema.optional())
const name = optional(z.string().min(1).max(200))
const id = optional(z.union([z.string().max(200), z.number()])).describe('Repeated in the acknowledgements of the file')

/**
 * The events of a program under `trainyard exec`: the methods of the job object, as one JSON object for each line. The guides have a table
 * that is made of them.
 */
export const CHILD_EVENTS = {
  progress: z.object({
    type: z.literal('progress'),
    epoch: LenientCount,
    totalEpochs: LenientCount,
    step: LenientCount,
    totalSteps: LenientCount,
    phase: optional(z.string().max(50)),
    metrics,
  }),
  validation: z.object({
    type: z.literal('validation'),
    epoch: LenientCount,
    split: LenientSplit,
    metrics,
    primary: LenientPrimary,
    perClass: LenientPerClass,
    confusionMatrix: LenientConfusionMatrix,
  }),
  checkpoint: z.object({ type: z.literal('checkpoint'), id, name, file, epoch: LenientCount, metrics }),
  artifact: z.object({
    type: z.literal('artifact'),
    id,
    kind: optional(ArtifactKind),
    file,
    name: optional(z.string().min(1)),
    contentType: optional(z.string()),
    metadata: LenientDetails,
  }),
  log: z.object({
    type: z.literal('log'),
    level: LenientLevel,
    message: LenientText,
    eventType: optional(z.string().max(100)),
    data: LenientDetails,
  }),
  prediction: z.object({
    type: z.literal('prediction'),
    imageName: z.string().max(1024),
    predictions: z.array(LenientPrediction).max(10_000),
    inferenceTimeMs: LenientAmount,
  }),
  completed: z.object({
    type: z.literal('completed'),
    metrics,
    bestEpoch: LenientCount,
    imageCount: LenientCount,
    metadata: LenientDetails,
  }),
  failed: z.object({
    type: z.literal('failed'),
    errorType: LenientErrorType,
    message: LenientText,
    traceback: LenientText,
    retryable: LenientFlag,
  }),
}
type ChildEvents = typeof CHILD_EVENTS
export type ChildEvent = { [Type in keyof ChildEvents]: z.infer<ChildEvents[Type]> }[keyof ChildEvents]

const TYPES = Object.keys(CHILD_EVENTS)
const isType = (type: unknown): type is keyof ChildEvents =>
  typeof type === 'string' && Object.hasOwn(CHILD_EVENTS, type)
/** Fields of other spellings, by type: those of the simple endpoints. */
const OTHER_NAMES: Readonly<Record<string, string>> = { current_epoch: 'epoch', primary_metric: 'primary' }

export type ParsedLine =
  | { state: 'event'; event: ChildEvent; unknownFields: string[]; leftOut: LeftOutField[] }
  | { state: 'invalid'; reason: string }

/** Parses one line, as far as it is valid. Never throws. */
export function parseChildEvent(line: string): ParsedLine {
  let json: unknown
  try {
    json = parseJson(line)
  } catch (error) {
    return { state: 'invalid', reason: `it is not JSON (${error instanceof Error ? error.message : error})` }
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { state: 'invalid', reason: 'expected a JSON object such as {"type":"progress","epoch":1}' }
  }
  const type = 'type' in json ? json.type : undefined
  if (!isType(type)) {
    return { state: 'invalid', reason: `its type is ${JSON.stringify(type)}; expected one of: ${TYPES.join(', ')}` }
  }
  return readEvent(type, json)
}

function readEvent(type: keyof ChildEvents, json: object): ParsedLine {
  const schema = CHILD_EVENTS[type]
  const known = new Set(Object.keys(schema.shape))
  const written = new Map<string, string>()
  const renamings: Record<string, string> = {}
  for (const key of Object.keys(json)) {
    const camel = OTHER_NAMES[key] ?? key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (known.has(key) || !known.has(camel) || Object.hasOwn(json, camel)) continue
    renamings[key] = camel
    written.set(camel, key)
  }
  const report = renameFields(json, renamings) as object
  const read = readReport<ChildEvent>(schema, report, { names: written })
  if (read.state === 'invalid')
    return { state: 'invalid', reason: read.issues.map(({ path, detail }) => `${path || type} ${detail}`).join('; ') }
  const unknownFields = Object.keys(report).filter((key) => !known.has(key))
  return { state: 'event', event: read.value, unknownFields, leftOut: read.leftOut }
}

/** Parses JSON, and the NaN and Infinity that Python's `json.dumps` writes although they are not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    const quoted = quoteNotFinite(line)
    if (quoted === line) throw error
    return JSON.parse(quoted)
  }
}
