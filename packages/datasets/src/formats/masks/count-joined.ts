import type { RunLengths } from '../../geometry/rle.ts'
import type { LossReason } from '../../report/loss-counter.ts'

/**
 * Counts objects that will be read as another number of objects: those of one class that touch (`annotation-merged`), and
 * those whose pixels are not connected (`polygon-split`). `owners` has the object of each pixel, `parts` what is connected.
 */
export function countJoined(
  parts: readonly RunLengths[],
  owners: Int32Array,
  { width, height }: { width: number; height: number },
  lose: (reason: LossReason, what: string) => void,
): void {
  const partsOf = new Map<number, number>()
  for (const { counts } of parts) {
    const found = new Set<number>()
    let position = 0
    for (const [index, run] of counts.entries()) {
      if (index % 2 === 1)
        for (let at = position; at < position + run; at++)
          found.add(owners[(at % height) * width + Math.floor(at / height)] ?? 0)
      position += run
    }
    const [first, ...others] = [...found].sort((a, b) => a - b)
    for (const other of others)
      lose('annotation-merged', `object ${other - 1} touches object ${(first ?? 0) - 1} of its class`)
    for (const owner of found) partsOf.set(owner, (partsOf.get(owner) ?? 0) + 1)
  }
  for (const [owner, count] of partsOf) if (count > 1) lose('polygon-split', `object ${owner - 1} has ${count} parts`)
}
