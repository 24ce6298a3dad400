export const LINE_HEIGHT = 12
const FONT_SIZE = 10
/** Advance of a letter of the usual monospaced fonts at this size. */
const LETTER_WIDTH = 6.02
const BASELINE = 9
/** Cairo's numbers end at 2^23; nothing this far out is seen. */
const MAX_COORDINATE = 1e5

/** One line of text with its upper left corner at x, y. */
export function text(x: number, y: number, content: string, colour: string): string {
  return `<text x="${num(x)}" y="${num(y + BASELINE)}" fill="${colour}">${escapeXml(content)}</text>`
}

export function rectangle(x: number, y: number, width: number, height: number, paint: string): string {
  return `<rect x="${num(x)}" y="${num(y)}" width="${num(width)}" height="${num(height)}" ${paint}/>`
}

export function circle(x: number, y: number, radius: number, paint: string): string {
  return `<circle cx="${num(x)}" cy="${num(y)}" r="${radius}" ${paint}/>`
}

/** Lines along flat rings of points `x, y, x, y, …`. Nothing when a number is not finite. */
export function path(rings: readonly (readonly number[])[], isClosed: boolean, paint: string): string {
  if (!rings.flat().every(Number.isFinite)) return ''
  const steps = rings
    .filter((ring) => ring.length >= 4)
    .map((ring) => {
      const points = Array.from(
        { length: Math.floor(ring.length / 2) },
        (_, at) => `${num(ring[at * 2] ?? 0)} ${num(ring[at * 2 + 1] ?? 0)}`,
      )
      return `M${points.join('L')}${isClosed ? 'Z' : ''}`
    })
  return steps.length === 0 ? '' : `<path d="${steps.join('')}" ${paint}/>`
}

/** A whole drawing: what lies outside of it is cut off. */
export function drawing(width: number, height: number, elements: readonly string[]): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `font-family="DejaVu Sans Mono, monospace" font-size="${FONT_SIZE}" xml:space="preserve" ` +
      `stroke-linejoin="round" stroke-linecap="round">${elements.join('')}</svg>`,
  )
}

/** How wide a line of text is, about: letters of East Asian scripts are twice as wide. */
export function textWidth(content: string): number {
  let letters = 0
  for (const letter of content) letters += isWide(letter) ? 2 : 1
  return letters * LETTER_WIDTH
}

/** The end of a text that fits into `width` pixels. */
export function fitEnd(content: string, width: number): string {
  if (textWidth(content) <= width) return content
  const letters = [...content]
  while (letters.length > 0 && textWidth(`…${letters.join('')}`) > width) letters.shift()
  return `…${letters.join('')}`
}

/** The beginning of a text that fits into `width` pixels. */
export function fitStart(content: string, width: number): string {
  if (textWidth(content) <= width) return content
  const letters = [...content]
  while (letters.length > 0 && textWidth(`${letters.join('')}…`) > width) letters.pop()
  return `${letters.join('')}…`
}

function isWide(letter: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    letter,
  )
}

function num(value: number): string {
  const clamped = Math.min(MAX_COORDINATE, Math.max(-MAX_COORDINATE, Number.isFinite(value) ? value : 0))
  return String(Math.round(clamped * 100) / 100)
}

/** Characters that XML 1.0 cannot hold become U+FFFD. */
function escapeXml(content: string): string {
  return content
    .replace(/[\p{Cc}\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
