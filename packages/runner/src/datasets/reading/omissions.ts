import type { FieldIssue } from '@trainyard/contract'
import { type ImageFault, type Loss, LossCounter, type LossReason } from '@trainyard/datasets'
import { TrainyardError } from '@trainyard/platform'

/** How many issues a response lists. */
export const MAX_ISSUES = 20
const MAX_VALUE_LENGTH = 200

/** Counts what is left out of a dataset. With `strict`, it is collected as issues, for which the dataset is refused. */
export class Omissions {
  readonly losses = new LossCounter()
  readonly strict: boolean
  readonly #issues: FieldIssue[] = []
  #count = 0

  constructor({ strict }: { strict: boolean }) {
    this.strict = strict
  }

  /** `path` is the field or file. The first {@link MAX_ISSUES} issues are kept, and all are counted. */
  add(reason: LossReason, path: string, detail: string, value?: unknown): void {
    if (this.strict) this.addIssue(path, detail, value)
    else this.losses.add(reason, () => `${path} ${detail}${show(value)}`)
  }

  /** An issue that is reported only to strict callers. */
  addIssue(path: string, detail: string, value?: unknown): void {
    this.#count += 1
    if (this.#issues.length < MAX_ISSUES)
      this.#issues.push(value === undefined ? { path, detail } : { path, detail, value: cut(value) })
  }

  addFault(path: string, { reason, text }: ImageFault): void {
    if (this.strict) this.addIssue(path, `cannot be used: ${text}`)
    else this.losses.add(reason, text)
  }

  /** The first example of what is left out. */
  example(): string | undefined {
    return this.losses.list()[0]?.examples[0]
  }

  /** Adds what a reader left out or changed. Images that no annotation names are kept, without a label. */
  merge(losses: readonly Loss[]): void {
    const others = losses.filter(({ reason }) => reason !== 'image-unlabelled')
    if (!this.strict) this.losses.merge(others)
    else for (const { reason, count, examples } of others) this.addIssue(reason, `${count} ×, such as ${examples[0]}`)
  }

  /** Throws `unprocessable` with the first issues when there are any. */
  throwIfAny(summary: string): void {
    const [first] = this.#issues
    if (first === undefined) return
    const shown =
      this.#count > this.#issues.length ? `; the first ${this.#issues.length} of ${this.#count} are listed` : ''
    const detail = `${summary}: ${first.path} ${first.detail}${show(first.value)}${shown}`
    throw new TrainyardError('unprocessable', detail, { issues: this.#issues })
  }
}

function show(value: unknown): string {
  return value === undefined ? '' : ` (got ${JSON.stringify(cut(value))})`
}

function cut(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH - 1)}…` : text
}
