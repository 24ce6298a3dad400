import type { TrustTier } from '@trainyard/contract'
import { formatTier } from '@trainyard/contract/format'
import { html } from 'hono/html'

const COLORS: Readonly<Record<TrustTier, string>> = {
  checked: '#2a7d46',
  checked_in_part: '#946200',
  unchecked: '#b3261e',
}
/** Of a letter at 11 px, on average. The text is fitted to it, whatever the reader's font is. */
const LETTER = 6.5
const PADDING = 8
const LABEL = 'trainyard'

/** An SVG picture with the latest version and how far it was checked, for a README. */
export function renderBadge({ version, tier }: { version: string; tier: TrustTier }): string {
  const value = `${version} ${formatTier(tier)}`
  const widthOf = (text: string) => Math.round(text.length * LETTER)
  const [left, right] = [widthOf(LABEL) + 2 * PADDING, widthOf(value) + 2 * PADDING]
  const text = (x: number, content: string) =>
    html`<text x="${String(x)}" y="14" textLength="${String(widthOf(content))}">${content}</text>`
  return String(
    html`<svg xmlns="http://www.w3.org/2000/svg" width="${String(left + right)}" height="20" role="img"><title>${LABEL}: ${value}</title><rect width="${String(left)}" height="20" fill="#444"/><rect x="${String(left)}" width="${String(right)}" height="20" fill="${COLORS[tier]}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${text(PADDING, LABEL)}${text(left + PADDING, value)}</g></svg>`,
  )
}
