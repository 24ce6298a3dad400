/** Position in a live stream: the last sequence number of the journal, and the last common position of log lines and artifacts. */
export interface LiveCursor {
  attempt: number
  seq: number
  position: number
}

export function formatCursor(cursor: LiveCursor): string {
  return `${cursor.attempt}.${cursor.seq}.${cursor.position}`
}

/** Undefined for text that `formatCursor` cannot have written. */
export function parseCursor(text: string): LiveCursor | undefined {
  const match = /^(\d{1,7})\.(\d{1,15})\.(\d{1,15})$/.exec(text.trim())
  if (match === null) return undefined
  return { attempt: Number(match[1]), seq: Number(match[2]), position: Number(match[3]) }
}
