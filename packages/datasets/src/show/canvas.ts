import { LETTER_WIDTH, lettersOf } from './font.ts'

export type Colour = readonly [red: number, green: number, blue: number]

/** RGB pixels with the few shapes that a contact sheet needs. Coordinates are pixels, 0, 0 is the corner of the first one. */
export interface Canvas {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
  fillRectangle(x: number, y: number, width: number, height: number, colour: Colour, opacity?: number): void
  /** What several rings enclose together, by the non-zero rule. */
  fillRings(rings: readonly (readonly number[])[], colour: Colour, opacity: number): void
  line(x1: number, y1: number, x2: number, y2: number, colour: Colour, thickness: number): void
  /** Lines along flat points; back to the first one when closed. */
  outline(points: readonly number[], colour: Colour, thickness: number, isClosed?: boolean): void
  disc(x: number, y: number, radius: number, colour: Colour): void
  text(x: number, y: number, text: string, colour: Colour, scale?: number): void
  /** Nothing outside this rectangle is drawn from now on. */
  clip(x: number, y: number, width: number, height: number): void
  unclip(): void
}

export function createCanvas(width: number, height: number, background: Colour): Canvas {
  const data = new Uint8Array(width * height * 3)
  for (let at = 0; at < data.length; at += 3) data.set(background, at)
  let bounds = { left: 0, top: 0, right: width, bottom: height }

  function blend(x: number, y: number, [red, green, blue]: Colour, opacity: number): void {
    if (x < bounds.left || y < bounds.top || x >= bounds.right || y >= bounds.bottom) return
    const at = (y * width + x) * 3
    data[at] = mix(data[at] as number, red, opacity)
    data[at + 1] = mix(data[at + 1] as number, green, opacity)
    data[at + 2] = mix(data[at + 2] as number, blue, opacity)
  }

  /** Calls `paint` for the pixels around a shape, in the part of them that may be drawn. */
  function around(
    left: number,
    top: number,
    right: number,
    bottom: number,
    paint: (x: number, y: number) => void,
  ): void {
    const lastX = Math.min(bounds.right - 1, Math.ceil(right))
    const lastY = Math.min(bounds.bottom - 1, Math.ceil(bottom))
    for (let y = Math.max(bounds.top, Math.floor(top)); y <= lastY; y++)
      for (let x = Math.max(bounds.left, Math.floor(left)); x <= lastX; x++) paint(x, y)
  }

  const canvas: Canvas = {
    width,
    height,
    data,
    fillRectangle(x, y, w, h, colour, opacity = 1) {
      around(x, y, x + w - 1, y + h - 1, (px, py) => blend(px, py, colour, opacity))
    },
    fillRings(rings, colour, opacity) {
      const ys = rings.flatMap((ring) => ring.filter((_, index) => index % 2 === 1))
      const top = Math.max(bounds.top, Math.floor(ys.reduce((a, b) => Math.min(a, b), Infinity)))
      const bottom = Math.min(bounds.bottom - 1, Math.ceil(ys.reduce((a, b) => Math.max(a, b), -Infinity)))
      for (let y = top; y <= bottom; y++) {
        for (const [from, to] of spansAt(rings, y + 0.5)) {
          const last = Math.min(bounds.right - 1, Math.ceil(to - 0.5) - 1)
          for (let x = Math.max(bounds.left, Math.ceil(from - 0.5)); x <= last; x++) blend(x, y, colour, opacity)
        }
      }
    },
    line(x1, y1, x2, y2, colour, thickness) {
      const radius = thickness / 2
      const [dx, dy] = [x2 - x1, y2 - y1]
      const length = dx * dx + dy * dy
      const reach = radius + 1
      around(
        Math.min(x1, x2) - reach,
        Math.min(y1, y2) - reach,
        Math.max(x1, x2) + reach,
        Math.max(y1, y2) + reach,
        (x, y) => {
          const [px, py] = [x + 0.5 - x1, y + 0.5 - y1]
          const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length))
          const distance = Math.hypot(px - along * dx, py - along * dy)
          const cover = Math.min(1, radius + 0.5 - distance)
          if (cover > 0) blend(x, y, colour, cover)
        },
      )
    },
    outline(points, colour, thickness, isClosed = true) {
      const count = Math.floor(points.length / 2)
      for (let index = 0; index < (isClosed ? count : count - 1); index++) {
        const [a, b] = [index * 2, ((index + 1) % count) * 2]
        canvas.line(points[a] ?? 0, points[a + 1] ?? 0, points[b] ?? 0, points[b + 1] ?? 0, colour, thickness)
      }
    },
    disc: (x, y, radius, colour) => canvas.line(x, y, x, y, colour, radius * 2),
    text(x, y, text, colour, scale = 1) {
      for (const [at, columns] of lettersOf(text).entries()) {
        for (const [column, bits] of columns.entries()) {
          for (let row = 0; row < 8; row++) {
            if ((bits >> row) & 1)
              canvas.fillRectangle(x + (at * LETTER_WIDTH + column) * scale, y + row * scale, scale, scale, colour)
          }
        }
      }
    },
    clip(x, y, w, h) {
      bounds = {
        left: Math.max(0, x),
        top: Math.max(0, y),
        right: Math.min(width, x + w),
        bottom: Math.min(height, y + h),
      }
    },
    unclip() {
      bounds = { left: 0, top: 0, right: width, bottom: height }
    },
  }
  return canvas
}

function mix(below: number, above: number, opacity: number): number {
  return Math.round(below + (above - below) * opacity)
}

/** Where a row of pixels runs inside the rings. */
function spansAt(rings: readonly (readonly number[])[], y: number): [from: number, to: number][] {
  const crossings: { x: number; direction: number }[] = []
  for (const ring of rings) {
    const count = Math.floor(ring.length / 2)
    for (let index = 0; index < count; index++) {
      const next = ((index + 1) % count) * 2
      const [x1 = 0, y1 = 0] = [ring[index * 2], ring[index * 2 + 1]]
      const [x2 = 0, y2 = 0] = [ring[next], ring[next + 1]]
      if (y1 <= y === y2 <= y) continue
      crossings.push({ x: x1 + ((y - y1) / (y2 - y1)) * (x2 - x1), direction: y1 < y2 ? 1 : -1 })
    }
  }
  crossings.sort((a, b) => a.x - b.x)
  const spans: [number, number][] = []
  let winding = 0
  for (const [index, { x, direction }] of crossings.entries()) {
    winding += direction
    if (winding !== 0) spans.push([x, crossings[index + 1]?.x ?? x])
  }
  return spans
}
