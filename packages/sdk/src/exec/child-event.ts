import {
  ArtifactKind,
  decodeMetric,
  describeIssue,
  ErrorType,
  LogLevel,
  MetricGoal,
  MetricValue,
  PredictedObject,
  SplitName,
} from '@trainyard/contract'
import { z } from 'zod'

const count = z.number().int().nonnegative()
const Metric = MetricValue.transform(decodeMetric)
const Numbers = z.record(z.string().min(1).max(250), Metric)
const file = z.string().min(1)
/** Repeated in the acknowledgements of the file. */
const id = z.union([z.string().max(200), z.number()]).optional()

/** The events of a program under `trainyard exec`: the methods of the job object, as one JSON object for each line. */
export const ChildEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress'),
    epoch: count.optional(),
    totalEpochs: count.optional(),
    step: count.optional(),
    totalSteps: count.optional(),
    phase: z.string().max(50).optional(),
    metrics: Numbers.optional(),
  }),
  z.object({
    type: z.literal('validation'),
    epoch: count.optional(),
    split: SplitName.optional(),
    metrics: Numbers,
    primary: z.object({ name: z.string().min(1).max(250), value: Metric, goal: MetricGoal }).optional(),
    perClass: z.record(z.string(), Numbers).optional(),
    confusionMatrix: z.object({ classes: z.array(z.string()).max(1000), counts: z.array(z.array(count)) }).optional(),
  }),
  z.object({
    type: z.literal('checkpoint'),
    id,
    name: z.string().min(1).max(200).default('last'),
    file,
    epoch: count.optional(),
    metrics: Numbers.optional(),
  }),
  z.object({
    type: z.literal('artifact'),
    id,
    kind: ArtifactKind.default('other'),
    file,
    name: z.string().min(1).optional(),
    contentType: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({
    type: z.literal('log'),
    level: LogLevel.default('info'),
    message: z.string(),
    eventType: z.string().max(100).optional(),
    data: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({
    type: z.literal('prediction'),
    imageName: z.string().max(1024),
    predictions: z.array(PredictedObject).max(10_000),
    inferenceTimeMs: z.number().nonnegative().optional(),
  }),
  z.object({
    type: z.literal('completed'),
    metrics: Numbers.optional(),
    bestEpoch: count.optional(),
    imageCount: count.optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({
    type: z.literal('failed'),
    errorType: ErrorType.default('UnknownError'),
    message: z.string().min(1),
    traceback: z.string().optional(),
    retryable: z.boolean().optional(),
  }),
])
export type ChildEvent = z.infer<typeof ChildEvent>

const TYPES = ChildEvent.options.map((option) => option.shape.type.value)
const FIELDS = new Map<string, ReadonlySet<string>>(
  ChildEvent.options.map((option) => [option.shape.type.value, new Set(Object.keys(option.shape))]),
)

export type ParsedLine =
  | { state: 'event'; event: ChildEvent; unknownFields: string[] }
  | { state: 'invalid'; reason: string }

/** Parses one line. Never throws. */
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
  const fields = typeof type === 'string' ? FIELDS.get(type) : undefined
  if (fields === undefined) {
    return { state: 'invalid', reason: `its type is ${JSON.stringify(type)}; expected one of: ${TYPES.join(', ')}` }
  }
  const parsed = ChildEvent.safeParse(json)
  if (parsed.success) {
    return { state: 'event', event: parsed.data, unknownFields: Object.keys(json).filter((key) => !fields.has(key)) }
  }
  const reasons = parsed.error.issues
    .flatMap((issue) => describeIssue(issue))
    .map(({ path, detail }) => `${path.join('.') || String(type)} ${detail}`)
  return { state: 'invalid', reason: reasons.join('; ') }
}

/** Parses JSON, and the NaN and Infinity that Python's `json.dumps` writes although they are not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    const quoted = line.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) =>
      token.startsWith('"') ? token : `"${token}"`,
    )
    if (quoted === line) throw error
    return JSON.parse(quoted)
  }
}
