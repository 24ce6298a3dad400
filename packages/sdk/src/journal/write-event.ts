import type { NewEvent } from './new-event.ts'

/** The JSON of an event without its number. Warns about an event that JSON cannot represent, and returns undefined. */
export function writeEvent(
  event: NewEvent & { time: string },
  onWarning: (message: string) => void,
): string | undefined {
  try {
    return JSON.stringify(event)
  } catch (error) {
    onWarning(`An event of type ${event.type} cannot be written as JSON: ${error}`)
    // A log line is useful without its data; other events would be incomplete.
    if (event.type !== 'log') return undefined
    return JSON.stringify({ ...event, data: { unwritable: String(error).slice(0, 200) } })
  }
}
