/** A brush of more pixels is not decoded: a few bytes can claim them. */
const MAX_PIXELS = 100_000_000
/** Red, green, blue and alpha. */
const CHANNELS = 4

/**
 * The alpha of each pixel of a brush of Label Studio: RGBA samples, packed by bits as `thi.ng/rle-pack` does
 * (https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack). Undefined when it has another number of pixels.
 */
export function decodeBrush(bytes: readonly number[], width: number, height: number): Uint8Array | undefined {
  if (width * height > MAX_PIXELS) return undefined
  let position = 0
  const read = (bits: number): number => {
    let value = 0
    for (let bit = 0; bit < bits; bit++, position++) {
      const byte = bytes[position >> 3] ?? 0
      value = value * 2 + ((byte >> (7 - (position & 7))) & 1)
    }
    return value
  }
  const count = read(32)
  if (count !== width * height * CHANNELS) return undefined
  const wordBits = read(5) + 1
  const runBits = [read(4) + 1, read(4) + 1, read(4) + 1, read(4) + 1]
  const alpha = new Uint8Array(width * height)
  for (let at = 0; at < count; ) {
    if (position >= bytes.length * 8) return undefined
    const isRun = read(1) === 1
    const end = Math.min(count, at + 1 + read(runBits[read(2)] ?? 1))
    let value = isRun ? read(wordBits) : 0
    for (; at < end; at++) {
      if (!isRun) value = read(wordBits)
      if (at % CHANNELS === CHANNELS - 1) alpha[(at - CHANNELS + 1) / CHANNELS] = value
    }
  }
  return alpha
}
