/** The classes of the devkit, in the order of their numbers in a mask, 1 to 20. */
export const DEVKIT_CLASSES: readonly string[] = (
  'aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep ' +
  'sofa train tvmonitor'
).split(' ')

/** The number of pixels that belong to nothing for certain: the border around objects. */
export const VOID = 255

/** The devkit's colour of a number as 0xRRGGBB: its bits go to the three channels in turn, highest first. */
export function devkitColour(index: number): number {
  let [red, green, blue] = [0, 0, 0]
  for (let bit = 0; bit < 8; bit++) {
    const three = index >> (bit * 3)
    red |= (three & 1) << (7 - bit)
    green |= ((three >> 1) & 1) << (7 - bit)
    blue |= ((three >> 2) & 1) << (7 - bit)
  }
  return (red << 16) | (green << 8) | blue
}

/** Numbers by the devkit's colours. */
export const DEVKIT_NUMBERS: ReadonlyMap<number, number> = new Map(
  Array.from({ length: 256 }, (_, index) => [devkitColour(index), index]),
)

/** All 256 colours as RGB triples: the palette of a mask. */
export function devkitPalette(): Uint8Array {
  return Uint8Array.from({ length: 768 }, (_, at) => (devkitColour(Math.floor(at / 3)) >> (16 - (at % 3) * 8)) & 255)
}
