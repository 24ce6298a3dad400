import type { z } from 'zod'
import { describeIssue } from './describe-issue.ts'

/** A field of a report that was left out, because its value is not valid. */
export interface LeftOutField {
  /** As the sender wrote it, for example `metrics.loss`. */
  path: string
  detail: string
  value: unknown
}

export type ReadReport<T> =
  | { state: 'read'; value: T; leftOut: LeftOutField[] }
  /** A field that must not be absent is, or is not valid. */
  | { state: 'invalid'; issues: LeftOutField[] }

type Path = readonly PropertyKey[]

/** Removing a field can make what contains it invalid, so that it is removed too. */
const MAX_ROUNDS = 8

export interface ReadReportOptions {
  /** The names that the sender used for fields of the schema, by their paths in the report. */
  names?: ReadonlyMap<string, string> | undefined
  /** Fields without which the rest must not be stored. */
  essential?: readonly string[] | undefined
}

/** Parses a report of a program as far as it is valid: what is not is left out and listed, and the rest stays. */
export function readReport<T>(
  schema: z.ZodType<T>,
  report: object,
  { names = new Map(), essential = [] }: ReadReportOptions = {},
): ReadReport<T> {
  const leftOut: LeftOutField[] = []
  const describe = (path: Path, detail: string): LeftOutField => ({
    path: nameOf(path, names),
    detail,
    value: valueAt(report, path),
  })
  let rest: unknown = report
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const parsed = schema.safeParse(rest)
    if (parsed.success) return { state: 'read', value: parsed.data, leftOut }
    const issues = parsed.error.issues.flatMap((issue) => describeIssue(issue))
    if (round === 0) rest = structuredClone(report)
    const removals = new Map<string, { path: Path; detail: string }>()
    for (const { path, detail } of issues) {
      const removable = removablePath(rest, path)
      const isEssential = removable.length === 1 && essential.includes(String(removable[0]))
      if (removable.length === 0 || isEssential) return { state: 'invalid', issues: [describe(path, detail)] }
      removals.set(JSON.stringify(removable.map(String)), { path: removable, detail })
    }
    // From the end, so that the places of earlier items stay.
    for (const { path, detail } of [...removals.values()].toSorted((a, b) => compare(b.path, a.path))) {
      leftOut.push(describe(path, detail))
      remove(rest, path)
    }
  }
  return { state: 'invalid', issues: leftOut }
}

/** The path with the names of the sender: that of the whole path, or that of its first part. */
function nameOf(path: Path, names: ReadonlyMap<string, string>): string {
  const [first = '', ...others] = path.map(String)
  const whole = [first, ...others].join('.')
  return names.get(whole) ?? [names.get(first) ?? first, ...others].join('.')
}

/** What to remove because of a mistake: the field, or what contains it if it is absent or an item of a list of numbers. */
function removablePath(root: unknown, path: Path): Path {
  let at = path
  while (at.length > 0) {
    const value = valueAt(root, at)
    const isItem = typeof at.at(-1) === 'number'
    const isRemovableItem = isItem && typeof value === 'object' && value !== null && !Array.isArray(value)
    if (value !== undefined && (!isItem || isRemovableItem)) return at
    at = at.slice(0, -1)
  }
  return at
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    root,
  )
}

function remove(root: unknown, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1))
  const key = path.at(-1)
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else if (typeof parent === 'object' && parent !== null && key !== undefined) Reflect.deleteProperty(parent, key)
}

function compare(a: Path, b: Path): number {
  for (const [depth, key] of a.entries()) {
    const other = b[depth]
    if (other === undefined) return 1
    if (typeof key === 'number' && typeof other === 'number' && key !== other) return key - other
    if (String(key) !== String(other)) return String(key) < String(other) ? -1 : 1
  }
  return a.length - b.length
}

/** One sentence for people: the field, its value, and what is expected. */
export function describeLeftOut({ path, detail, value }: LeftOutField): string {
  const shown = (JSON.stringify(value) ?? 'absent').slice(0, 100)
  return `"${path}" is ${shown}; it ${detail}`
}
