import { z } from 'zod'
import { LogLevel } from './events.ts'
import { ErrorType } from './job-states.ts'
import { MetricGoal, MetricValue, SplitName } from './primitives.ts'

/**
 * Values as programs write them by hand: numbers as text, the printed forms of numpy, PyTorch and TensorFlow, words in any case,
 * null and "None" for absent fields. `trainyard exec` and the simple endpoints share them.
 */
const lenient = <T extends z.ZodType>(schema: T) => z.preprocess(absent, schema.optional())
const absent = (value: unknown) => (value === null || value === 'None' ? undefined : value)

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const NOT_FINITE = /^([+-]?)(nan|inf|infinity)$/i
/** `np.float32(0.5)`, `tensor(0.5, grad_fn=<…>)`, `array([0.5])`: a number behind the name of a type. */
const PRINTED = /^[a-z_][\w.]*\(\s*([^,()]*?)\s*(?:,.*)?\)$/is
/** `<tf.Tensor: shape=(), dtype=float32, numpy=0.5>` */
const TENSORFLOW = /^<tf\..*\bnumpy=([^,>]+)>$/is

/** A number, as far as the value is one in any of the forms above. Otherwise the value itself, for the schema to refuse. */
function readNumber(value: unknown): unknown {
  if (Array.isArray(value) && value.length === 1) return readNumber(value[0])
  if (typeof value !== 'string') return value
  const text = value.trim()
  const printed = TENSORFLOW.exec(text)?.[1] ?? PRINTED.exec(text)?.[1]
  const inner = (printed ?? text).replace(/^\[+(.*?)\]+$/s, '$1').trim()
  if (NUMBER.test(inner)) return Number(inner)
  return NOT_FINITE.test(inner) ? notFinite(inner) : value
}

function notFinite(text: string): MetricValue {
  const [, sign, word] = NOT_FINITE.exec(text) ?? []
  if (word?.toLowerCase() === 'nan') return 'NaN'
  return sign === '-' ? '-Infinity' : 'Infinity'
}

/** Truth counts as 1 and 0: whether a goal was reached is a metric, too. */
function readMetric(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value)
  if (value === 'True' || value === 'False') return Number(value === 'True')
  return typeof value === 'number' && !Number.isFinite(value) ? notFinite(String(value)) : readNumber(value)
}

/** Undefined for objects: they can have a `toString` that is no function. */
function word(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim().toLowerCase()
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** The values of a table of words, and the words that mean each. */
function words<T extends string>(schema: z.ZodType<T>, table: Readonly<Record<T, readonly string[]>>) {
  return z.preprocess((value) => {
    const given = word(value)
    const found = (Object.entries(table) as [T, readonly string[]][]).find(
      ([name, others]) => given !== undefined && (name === given || others.includes(given)),
    )
    return found?.[0] ?? value
  }, schema)
}

const LEVEL_WORDS = {
  debug: ['trace', 'notset'],
  info: ['notice'],
  warning: ['warn'],
  error: ['critical', 'fatal', 'exception'],
}
/** Python's numbers of levels: 10, 20, 30, 40, 50. */
const levelOfNumber = (level: number): LogLevel =>
  level >= 40 ? 'error' : level >= 30 ? 'warning' : level >= 20 ? 'info' : 'debug'

const Integer = z.preprocess(readNumber, z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER))
const Decimal = z.preprocess(readNumber, z.number().nonnegative())

export const LenientCount = lenient(Integer)
export const LenientAmount = lenient(Decimal)
export const LenientPercent = lenient(z.preprocess(readNumber, z.number().min(0).max(100)))
/** Any text. A value that is not text becomes JSON. */
export const LenientText = z.preprocess(
  (value) => (typeof value === 'string' ? value : value === null ? undefined : JSON.stringify(value)),
  z.string().optional(),
)
export const LenientName = z.preprocess((value) => value ?? undefined, z.string().max(250).optional())
export const LenientDetails = lenient(z.record(z.string(), z.unknown()))
export const LenientFlag = lenient(
  z.preprocess((value) => ({ true: true, false: false, 1: true, 0: false })[word(value) ?? ''] ?? value, z.boolean()),
)
export const LenientMetric = z.preprocess(readMetric, MetricValue)
export const LenientMetrics = lenient(z.record(z.string().min(1).max(250), LenientMetric))
export const LenientPerClass = lenient(z.record(z.string(), z.record(z.string().min(1).max(250), LenientMetric)))
export const LenientLevel = lenient(
  z.preprocess((value) => (typeof value === 'number' ? levelOfNumber(value) : value), words(LogLevel, LEVEL_WORDS)),
)
export const LenientErrorType = lenient(
  z.preprocess((value) => ErrorType.options.find((name) => name.toLowerCase() === word(value)) ?? value, ErrorType),
)
export const LenientSplit = lenient(
  words(SplitName, {
    train: ['training'],
    val: ['valid', 'validation', 'eval', 'evaluation', 'dev'],
    test: ['testing'],
  }),
)
const LenientGoal = lenient(
  words(MetricGoal, { maximize: ['max', 'maximise', 'higher'], minimize: ['min', 'minimise', 'lower'] }),
)
/** The primary metric: its name alone, or an object. What is absent comes from the metrics and the manifest. */
export const LenientPrimary = lenient(
  z.preprocess(
    (value) => (typeof value === 'string' ? { name: value } : value),
    z.object({ name: z.string().min(1).max(250), value: lenient(LenientMetric), goal: LenientGoal }),
  ),
).describe('Name of the primary metric, or {name, value, goal}. Default: that of the job')

export const LenientConfusionMatrix = lenient(
  z.object({
    classes: z.array(z.preprocess((name) => (typeof name === 'number' ? String(name) : name), z.string())).max(1000),
    counts: z.array(z.array(Integer)),
  }),
).describe('counts[actual][predicted]')

const Coordinates = (schema: z.ZodType<number[]>) => lenient(schema)
const Coordinate = z.preprocess(readNumber, z.number())
const PREDICTION_NAMES: Readonly<Record<string, string>> = { class_id: 'classId', class_name: 'className' }
/** An object in an image, with names in either spelling. */
export const LenientPrediction = z.preprocess(
  (value) => renameFields(value, PREDICTION_NAMES),
  z.object({
    classId: Integer,
    className: z.string(),
    confidence: z.preprocess(readNumber, z.number().min(0).max(1)),
    bbox: lenient(z.tuple([Coordinate, Coordinate, Coordinate, Coordinate])).describe('x1, y1, x2, y2'),
    polygon: Coordinates(z.array(Coordinate)),
    keypoints: Coordinates(z.array(Coordinate)),
    obb: Coordinates(z.array(Coordinate).length(8)),
  }),
)

/** The object with some names replaced, unless it has the new name too. Other values are returned as they are. */
export function renameFields(value: unknown, names: Readonly<Record<string, string>>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const keys = Object.keys(value)
  if (!keys.some((key) => Object.hasOwn(names, key))) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => {
      const name = Object.hasOwn(names, key) ? names[key] : undefined
      return [name === undefined || Object.hasOwn(value, name) ? key : name, field]
    }),
  )
}
