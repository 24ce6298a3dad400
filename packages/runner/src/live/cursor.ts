/** How far a live stream has been followed: the journal by its numbers, lines and files by their common positions. */
export interface LiveCursor {
  attempt: number
  seq: number
  position: number
}

export function formatCursor(cursor: LiveCursor): string {
  return `${cursor.attempt}.${cursor.seq}.${cursor.position}`
}

/** Undefined for anything that we did not write. */
export function parseCursor(text: string): LiveCursor | undefined {
  const match = /^(\d{1,7})\.(\d{1,15})\.(\d{1,15})$/.exec(text.trim())
  if (match === null) return undefined
  return { attempt: Number(match[1]), seq: Number(match[2]), position: Number(match[3]) }
}
