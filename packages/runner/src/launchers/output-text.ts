/** Longer lines of output are cut. */
export const MAX_LINE_LENGTH = 16_384

/** A line as a terminal would show it in the end: progress bars overwrite themselves with carriage returns. */
export function finalText(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.slice(text.lastIndexOf('\r') + 1).slice(0, MAX_LINE_LENGTH)
}
