import { describeLeftOut, type LeftOutField, MAX_LOG_MESSAGE_LENGTH } from '@trainyard/contract'
import type { UnnumberedEvent } from './translate.ts'

const MAX_ATTEMPTS = 10_000
const MAX_FIELDS = 200

interface AttemptKey {
  jobId: number
  attempt: number
}

/** Remembers which fields a job's log has a warning about: one for each field of an attempt. */
export interface LeftOutWarnings {
  /** The log lines for the fields without one so far. */
  newLines(of: AttemptKey, fields: readonly LeftOutField[]): UnnumberedEvent[]
  /** Call it when the lines were stored. */
  remember(of: AttemptKey, fields: readonly LeftOutField[]): void
}

/** In memory: another replica can write the same warning once more. */
export function createLeftOutWarnings(): LeftOutWarnings {
  const known = new Map<string, Set<string>>()
  const keyOf = ({ jobId, attempt }: AttemptKey) => `${jobId}/${attempt}`
  return {
    newLines(of, fields) {
      const seen = new Set(known.get(keyOf(of)))
      const lines: UnnumberedEvent[] = []
      for (const field of fields) {
        const name = nameOf(field)
        if (seen.has(name) || seen.size >= MAX_FIELDS) continue
        seen.add(name)
        const message = `A field of a report was left out: ${describeLeftOut(field)}. Further ones are left out without a message`
        lines.push({ type: 'log', level: 'warning', message: message.slice(0, MAX_LOG_MESSAGE_LENGTH) })
      }
      return lines
    },
    remember(of, fields) {
      if (fields.length === 0) return
      const seen = known.get(keyOf(of)) ?? new Set()
      for (const field of fields) if (seen.size < MAX_FIELDS) seen.add(nameOf(field))
      known.delete(keyOf(of))
      known.set(keyOf(of), seen)
      const [oldest] = known.keys()
      if (known.size > MAX_ATTEMPTS && oldest !== undefined) known.delete(oldest)
    },
  }
}

/** The same field of every item of a list is one field. */
const nameOf = ({ path }: LeftOutField) => path.replace(/\.\d+(?=\.|$)/g, '.*').slice(0, 300)
