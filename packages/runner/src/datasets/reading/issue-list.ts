import type { FieldIssue } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'

/** How many issues a response lists. */
export const MAX_ISSUES = 20
const MAX_VALUE_LENGTH = 200

/** Collects what is wrong with a dataset: all issues are counted, the first {@link MAX_ISSUES} are kept. */
export interface IssueList {
  readonly count: number
  add(path: string, detail: string, value?: unknown): void
  /** Throws `unprocessable` with the first issues when there are any. */
  throwIfAny(summary: string): void
}

export function createIssueList(): IssueList {
  const issues: FieldIssue[] = []
  let count = 0
  return {
    get count() {
      return count
    },
    add(path, detail, value) {
      count += 1
      if (issues.length < MAX_ISSUES)
        issues.push(value === undefined ? { path, detail } : { path, detail, value: cut(value) })
    },
    throwIfAny(summary) {
      const [first] = issues
      if (first === undefined) return
      const shown = count > issues.length ? `; the first ${issues.length} of ${count} are listed` : ''
      const seen = first.value === undefined ? '' : ` (got ${JSON.stringify(first.value)})`
      throw new TrainyardError('unprocessable', `${summary}: ${first.path} ${first.detail}${seen}${shown}`, { issues })
    },
  }
}

function cut(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH - 1)}…` : text
}
