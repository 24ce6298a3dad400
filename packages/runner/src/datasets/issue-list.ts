import type { FieldIssue } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'

const MAX_ISSUES = 20

/** Collects what is wrong with a dataset, so that a person sees more than the first mistake, and not a million. */
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
        issues.push({ path, detail, ...(value === undefined ? {} : { value: cut(value) }) })
    },
    throwIfAny(summary) {
      const [first] = issues
      if (first === undefined) return
      const shown = count > issues.length ? `; the first ${issues.length} of ${count} are listed` : ''
      const seen = first.value === undefined ? '' : ` (seen ${JSON.stringify(first.value)})`
      throw new TrainyardError('unprocessable', `${summary}: ${first.path} ${first.detail}${seen}${shown}`, { issues })
    },
  }
}

function cut(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}
