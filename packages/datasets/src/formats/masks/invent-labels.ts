import { MaskError } from '../../errors.ts'
import { inventName } from '../../record/classes.ts'
import type { VocLabels } from '../voc/labels.ts'
import { loadMask } from '../voc/load-mask.ts'

/** A mask with more colours is a photograph. */
const MAX_COLOURS = 256
/** The border around objects, and the only class of masks in black and white. */
const WHITE = 255

/** A class for each number or colour that occurs in masks without a table. Black is the background. */
export async function inventLabels(
  dir: string,
  masks: readonly string[],
  signal: AbortSignal | undefined,
): Promise<VocLabels> {
  const numbers = new Set<number>()
  const colours = new Set<number>()
  for (const path of masks) {
    signal?.throwIfAborted()
    if (!/\.png$/i.test(path)) continue
    try {
      const { values, isColours } = await loadMask(dir, path, undefined)
      const used = new Set(Array.from(values))
      if (used.size <= MAX_COLOURS) for (const value of used) (isColours ? colours : numbers).add(value)
    } catch (error) {
      // Counted when its image is read.
      if (!(error instanceof MaskError)) throw error
    }
  }
  const objects = [...numbers].filter((value) => value > 0 && value < WHITE).sort((a, b) => a - b)
  if (objects.length === 0 && numbers.has(WHITE)) objects.push(WHITE)
  const painted = [...colours].filter((value) => value > 0).sort((a, b) => a - b)
  const names = [
    ...objects.map(inventName),
    ...painted.map((colour) => `colour_${colour.toString(16).padStart(6, '0')}`),
  ]
  return {
    names,
    byNumber: new Map(objects.map((value, id) => [value, id])),
    byColour: new Map(painted.map((colour, id) => [colour, objects.length + id])),
  }
}
