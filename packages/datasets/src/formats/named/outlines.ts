import type { RunLengths } from '../../geometry/rle.ts'

/** Vertices of an ellipse as a polygon. Its area is 0.16 % too small. */
const POINTS = 64

/** The outline of an ellipse that is rotated clockwise about its centre. */
export function ellipseRing(cx: number, cy: number, rx: number, ry: number, degrees = 0): number[] {
  const turn = (degrees * Math.PI) / 180
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  return Array.from({ length: POINTS }, (_, index) => (index / POINTS) * 2 * Math.PI).flatMap((angle) => {
    const [u, v] = [rx * Math.cos(angle), ry * Math.sin(angle)]
    return [cx + u * cos - v * sin, cy + u * sin + v * cos]
  })
}

/**
 * The runs of a mask that covers a box of an image. `isSet` gets the position in the box, row by row. Undefined when the box
 * is not inside of the image. No memory for the whole image: a file of a few bytes can claim any size.
 */
export function runsOfBox(
  box: { left: number; top: number; width: number; height: number },
  image: { width: number; height: number },
  isSet: (at: number) => boolean,
): RunLengths | undefined {
  const { left, top } = box
  if (!(left >= 0 && top >= 0 && left + box.width <= image.width && top + box.height <= image.height)) return undefined
  const counts: number[] = []
  let [from, isOpen] = [0, false]
  const change = (position: number) => {
    counts.push(position - from)
    from = position
    isOpen = !isOpen
  }
  for (let column = 0; column < box.width; column++) {
    const start = (left + column) * image.height + top
    for (let row = 0; row < box.height; row++) if (isSet(row * box.width + column) !== isOpen) change(start + row)
    // Pixels above and below the box are not set.
    if (isOpen && (top > 0 || box.height < image.height)) change(start + box.height)
  }
  if (isOpen && left + box.width < image.width) change((left + box.width) * image.height)
  const end = image.width * image.height
  if (from < end) counts.push(end - from)
  return { width: image.width, height: image.height, counts }
}
