import { createUint32 } from './number-list.ts'

/** A counting sort by image, which keeps the order of the file within each. */
export function groupByImage(
  imageCount: number,
  keys: { length: number; get(index: number): number },
  find: (key: number) => number | undefined,
): { starts: Uint32Array<SharedArrayBuffer>; order: Uint32Array<SharedArrayBuffer>; orphans: number[] } {
  const starts = createUint32(imageCount + 1)
  const orphans: number[] = []
  const images = new Uint32Array(keys.length)
  const NONE = 0xffffffff
  for (let at = 0; at < keys.length; at++) {
    const image = find(keys.get(at))
    images[at] = image ?? NONE
    if (image === undefined) orphans.push(at)
    else starts[image + 1] = (starts[image + 1] as number) + 1
  }
  for (let image = 0; image < imageCount; image++) {
    starts[image + 1] = (starts[image + 1] as number) + (starts[image] as number)
  }
  const next = starts.slice()
  const order = createUint32(keys.length - orphans.length)
  for (let at = 0; at < keys.length; at++) {
    const image = images[at] as number
    if (image === NONE) continue
    const place = next[image] as number
    order[place] = at
    next[image] = place + 1
  }
  return { starts, order, orphans }
}
