/** Text of a server or a file without control characters, which could move the cursor or fake output. */
export function cleanText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
  return text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}

/** `1,234` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 file`, `2 files` */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `2026-11-20 09:30` */
export function formatTime(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ')
}
