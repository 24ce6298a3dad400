import { HEAT_SIDE } from './survey.ts'

/** A bar of a chart. */
export interface Bar {
  label: string
  count: number
}

const ROW = 22
const LABEL = 118
const WIDTH = 340
/** Room for the count behind the longest bar. */
const COUNT = 62

/** Horizontal bars with their labels and counts, as HTML with one SVG. */
export function barChart(title: string, bars: readonly Bar[], unit: string): string {
  if (bars.length === 0) return ''
  const most = Math.max(1, ...bars.map(({ count }) => count))
  const rows = bars.map(({ label, count }, row) => {
    const width = ((WIDTH - LABEL - COUNT) * count) / most
    const y = row * ROW
    return (
      `<text x="${LABEL - 8}" y="${y + 15}" text-anchor="end">${escapeHtml(shorten(label))}</text>` +
      `<rect x="${LABEL}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 6}" rx="2"/>` +
      `<text class="count" x="${(LABEL + width + 6).toFixed(1)}" y="${y + 15}">${countText(count)}</text>`
    )
  })
  const said = bars.map(({ label, count }) => `${label}: ${countText(count)}`).join(', ')
  return (
    `<div class="chart"><h3>${escapeHtml(title)}</h3>` +
    `<svg viewBox="0 0 ${WIDTH} ${bars.length * ROW}" role="img" aria-label="${escapeHtml(`${title}, ${unit}: ${said}`)}">${rows.join('')}</svg></div>`
  )
}

/** A grid over the image: the darker a cell, the more centres it has. */
export function heatMap(title: string, cells: readonly number[]): string {
  const most = Math.max(1, ...cells)
  const squares = cells.map((count, at) => {
    const [x, y] = [at % HEAT_SIDE, Math.floor(at / HEAT_SIDE)]
    // The square root keeps cells with few centres visible beside those with many.
    const opacity = count === 0 ? 0 : 0.08 + 0.92 * Math.sqrt(count / most)
    return `<rect x="${x}" y="${y}" width="1" height="1" fill-opacity="${opacity.toFixed(3)}"><title>${countText(count)}</title></rect>`
  })
  return (
    `<div class="chart"><h3>${escapeHtml(title)}</h3><svg viewBox="-0.1 -0.1 ${HEAT_SIDE + 0.2} ${HEAT_SIDE + 0.2}" role="img" ` +
    `aria-label="${escapeHtml(`${title} over the image, at most ${countText(most)} in one cell`)}">` +
    `<rect x="0" y="0" width="${HEAT_SIDE}" height="${HEAT_SIDE}" fill-opacity="0" stroke="currentColor" stroke-width="0.05"/>${squares.join('')}</svg></div>`
  )
}

export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

export function escapeHtml(text: string): string {
  return text
    .replace(/[\p{Cc}\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

function shorten(label: string): string {
  const letters = [...label]
  return letters.length > 18 ? `${letters.slice(0, 17).join('')}…` : label
}
