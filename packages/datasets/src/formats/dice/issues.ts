import { describeIssue, type FieldIssue } from '@trainyard/contract'
import { DatasetError, type DatasetErrorReason } from '@trainyard/contract/trainer-errors'
import type { ZodError } from 'zod'

const MAX_VALUE_LENGTH = 200

/** One wrong field. `value` is cut to 200 characters; undefined means that the field is missing. */
export function createIssue(path: string, detail: string, value?: unknown): FieldIssue {
  return value === undefined ? { path, detail } : { path, detail, value: cut(value) }
}

/** The mistakes that a schema found in `value`, which is at `base` in the file. */
export function toIssues(error: ZodError, value: unknown, base = ''): FieldIssue[] {
  return error.issues
    .flatMap((issue) => describeIssue(issue))
    .map(({ path, detail }) => createIssue(formatPath(path, base) || 'the top level', detail, valueAt(value, path)))
}

/** One error for all issues: its message shows the first and says how many follow. */
export function toDatasetError(
  file: string,
  issues: readonly FieldIssue[],
  reason: DatasetErrorReason = 'invalid',
): DatasetError {
  const [first, ...others] = issues
  const seen = first?.value === undefined ? '' : ` (got ${JSON.stringify(first.value)})`
  const more = others.length === 0 ? '' : `, and ${others.length} more`
  return new DatasetError(`${first?.path} in ${file} ${first?.detail}${seen}${more}`, { reason, issues })
}

/** `images[3].annotations[0].class_id` */
function formatPath(path: readonly PropertyKey[], base: string): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return base === '' ? text.replace(/^\./, '') : `${base}${text}`
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  )
}

function cut(value: unknown): unknown {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH - 1)}…` : value
}
