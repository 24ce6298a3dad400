import { DatasetError } from '@trainyard/contract/trainer-errors'
import { MAX_PIXELS, type Pixels } from './pixels.ts'

/** Rows of an interlaced GIF: the first one and the step of each pass. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const

/** Decodes the first frame of a GIF, on white. Throws `DatasetError` naming `name` for a damaged one. */
export function decodeGif(bytes: Buffer, name: string): Pixels {
  const fail = (what: string): never => {
    throw new DatasetError(`Image "${name}" is damaged: ${what}`)
  }
  const byte = (at: number) => bytes[at] ?? fail('it is cut off')
  const word = (at: number) => byte(at) | (byte(at + 1) << 8)
  const [width, height] = [word(6), word(8)]
  if (width * height === 0 || width * height > MAX_PIXELS) fail(`it has ${width} × ${height} pixels`)
  const sizeOf = (flags: number) => ((flags & 0x80) === 0 ? 0 : 2 << (flags & 7))
  let [palette, at, transparent] = [13, 13 + sizeOf(byte(10)) * 3, -1]
  for (let kind = byte(at++); kind !== 0x2c; kind = byte(at++)) {
    if (kind !== 0x21) fail(`it has a block ${kind}; wanted is a picture`)
    // The control of the frame names the colour that is none.
    if (byte(at) === 0xf9 && (byte(at + 2) & 1) === 1) transparent = byte(at + 5)
    for (at++; byte(at) !== 0; at += byte(at) + 1);
    at++
  }
  const [left, top, columns, rows, flags] = [word(at), word(at + 2), word(at + 4), word(at + 6), byte(at + 8)]
  if (left + columns > width || top + rows > height) fail('its first frame is larger than the image')
  at += 9
  if (sizeOf(flags) > 0) palette = at
  at += sizeOf(flags) * 3
  const bits = byte(at++)
  const blocks: Buffer[] = []
  for (; byte(at) !== 0; at += byte(at) + 1) blocks.push(bytes.subarray(at + 1, at + 1 + byte(at)))
  const pixels = inflateLzw(Buffer.concat(blocks), bits, columns * rows, fail)
  const data = new Uint8Array(width * height * 3).fill(255)
  const all = Array.from({ length: rows }, (_, row) => row)
  const order = (flags & 0x40) === 0 ? all : PASSES.flatMap(([from, step]) => all.filter((row) => row % step === from))
  for (const [line, row] of order.entries()) {
    for (let column = 0; column < columns; column++) {
      const index = pixels[line * columns + column] as number
      if (index === transparent) continue
      const to = ((top + row) * width + left + column) * 3
      for (let channel = 0; channel < 3; channel++) data[to + channel] = bytes[palette + index * 3 + channel] ?? 0
    }
  }
  return { width, height, data }
}

/** Codes of 3 to 12 bits, lowest bit first; each new one is the one before and the first pixel of the next. */
function inflateLzw(data: Buffer, bits: number, count: number, fail: (what: string) => never): Uint8Array {
  if (bits < 1 || bits > 8) fail(`its codes begin with ${bits} bits`)
  const [clear, end] = [1 << bits, (1 << bits) + 1]
  const prefixes = new Uint16Array(4096)
  const suffixes = new Uint8Array(4096)
  const lengths = new Uint16Array(4096)
  for (let code = 0; code < clear; code++) [suffixes[code], lengths[code]] = [code, 1]
  const pixels = new Uint8Array(count)
  let [next, width, previous, position, buffer, held] = [end + 1, bits + 1, -1, 0, 0, 0]
  for (const byte of data) {
    buffer |= byte << held
    held += 8
    while (held >= width) {
      const code = buffer & ((1 << width) - 1)
      buffer >>>= width
      held -= width
      if (code === clear) [next, width, previous] = [end + 1, bits + 1, -1]
      else if (code === end || position >= count) return finish()
      else {
        if (code > next || (code === next && previous === -1) || (code >= clear && previous === -1))
          fail(`its code ${code} is not known yet`)
        const isNew = code === next
        const known = isNew ? previous : code
        const length = lengths[known] as number
        let walk = known
        for (let at = position + length - 1; at >= position; at--) {
          if (at < count) pixels[at] = suffixes[walk] as number
          if (at > position) walk = prefixes[walk] as number
        }
        const first = suffixes[walk] as number
        position += length
        if (isNew && position < count) pixels[position] = first
        if (isNew) position++
        if (previous !== -1 && next < 4096) {
          prefixes[next] = previous
          suffixes[next] = first
          lengths[next] = (lengths[previous] as number) + 1
          next++
          if (next === 1 << width && width < 12) width++
        }
        previous = code
      }
    }
  }
  return finish()

  function finish(): Uint8Array {
    return position < count ? fail(`its pixels end after ${position} of ${count}`) : pixels
  }
}
