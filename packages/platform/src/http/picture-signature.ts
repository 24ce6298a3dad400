/** Pictures that a browser shows without running anything: SVG is not among them. */
export type PictureContentType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'

/** What a picture is by its first bytes, whatever its name or its sender say. Undefined for anything else. */
export function pictureSignature(head: Uint8Array): PictureContentType | undefined {
  const start = Buffer.from(head.subarray(0, 12)).toString('latin1')
  if (start.startsWith('\u0089PNG\r\n\u001a\n')) return 'image/png'
  if (start.startsWith('\u00ff\u00d8\u00ff')) return 'image/jpeg'
  if (start.startsWith('GIF87a') || start.startsWith('GIF89a')) return 'image/gif'
  return start.startsWith('RIFF') && start.startsWith('WEBP', 8) ? 'image/webp' : undefined
}
