import { decodeMask, type RunLengths } from '../geometry/rle.ts'

/** A mask that claims more pixels than any image is not drawn. */
const MAX_MASK_PIXELS = 200_000_000

/** A mask as tinted pixels with a stronger edge, as large as it is shown: its cost does not grow with the mask's detail. */
export function drawMask(rle: RunLengths, colour: string, scale: number): string {
  if (rle.width * rle.height > MAX_MASK_PIXELS) return ''
  const { width, height, data } = decodeMask(rle)
  const isSet = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] === 1
  const step = Math.max(1, Math.round(1 / scale))
  const isEdge = (x: number, y: number) =>
    !isSet(x - step, y) || !isSet(x + step, y) || !isSet(x, y - step) || !isSet(x, y + step)
  const [columns, rows] = [Math.ceil(width * scale), Math.ceil(height * scale)]
  const inside: string[] = []
  const edge: string[] = []
  for (let row = 0; row < rows; row++) {
    const y = Math.floor((row + 0.5) / scale)
    let run: { start: number; list: string[] } | undefined
    for (let column = 0; column <= columns; column++) {
      const x = Math.floor((column + 0.5) / scale)
      const list = column < columns && isSet(x, y) ? (scale <= 1 && isEdge(x, y) ? edge : inside) : undefined
      if (list === run?.list) continue
      if (run !== undefined) run.list.push(`M${run.start} ${row}h${column - run.start}v1H${run.start}z`)
      run = list === undefined ? undefined : { start: column, list }
    }
  }
  const draw = (runs: string[], opacity: number) =>
    runs.length === 0
      ? ''
      : `<path d="${runs.join('')}" fill="${colour}" fill-opacity="${opacity}" shape-rendering="crispEdges"/>`
  return draw(inside, 0.42) + draw(edge, 0.95)
}
