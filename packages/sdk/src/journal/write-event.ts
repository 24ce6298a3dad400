import type { NewEvent } from './new-event.ts'

/** An event as JSON without its number; undefined for one that JSON cannot hold, which is told. */
export function writeEvent(
  event: NewEvent & { time: string },
  onWarning: (message: string) => void,
): string | undefined {
  try {
    return JSON.stringify(event)
  } catch (error) {
    onWarning(`Something in an event of type ${event.type} cannot be written as JSON: ${error}`)
    // A log line is worth more than its data; everything else would not be what it says.
    if (event.type !== 'log') return undefined
    return JSON.stringify({ ...event, data: { unwritable: String(error).slice(0, 200) } })
  }
}
