import type { DatasetClassInfo, ImageRecord } from '../record/record.ts'
import { colourOf, toCss } from './colours.ts'
import { labelOf } from './draw-annotation.ts'
import { LINE_HEIGHT, rectangle, text, textWidth } from './svg.ts'

const MAX_ITEMS = 120
const ROW_HEIGHT = LINE_HEIGHT + 3
const SWATCH = 10

/** The classes on a sheet with the number of their objects, in rows between margins of a sheet that is `width` wide. */
export function drawLegend(
  records: readonly ImageRecord[],
  classes: readonly DatasetClassInfo[],
  { width, margin }: { width: number; margin: number },
): { elements: string[]; height: number } {
  const counts = new Map<number, number>()
  for (const { annotations } of records)
    for (const { classId } of annotations) counts.set(classId, (counts.get(classId) ?? 0) + 1)
  const elements: string[] = []
  let [x, y] = [margin, 0]
  for (const info of classes.filter(({ id }) => counts.has(id)).slice(0, MAX_ITEMS)) {
    const label = `${labelOf(info)} ${counts.get(info.id)}`
    const itemWidth = Math.ceil(textWidth(label)) + SWATCH + 16
    if (x > margin && x + itemWidth > width - margin) {
      x = margin
      y += ROW_HEIGHT
    }
    elements.push(rectangle(x, y + 1, SWATCH, SWATCH, `fill="${toCss(colourOf(info))}"`))
    elements.push(text(x + SWATCH + 4, y, label, '#282828'))
    x += itemWidth
  }
  return { elements, height: elements.length === 0 ? 0 : y + ROW_HEIGHT }
}
