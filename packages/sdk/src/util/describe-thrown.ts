import { textOf } from '@trainyard/contract/format'

/** The message of what was thrown. Trainers can throw anything, also objects that have no text. */
export function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name
  try {
    return textOf(thrown)
  } catch {
    return 'An object without a text was thrown'
  }
}
