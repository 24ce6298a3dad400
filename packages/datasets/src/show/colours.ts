import type { DatasetClassInfo } from '../record/record.ts'

export type Colour = readonly [red: number, green: number, blue: number]

export const toCss = (colour: Colour): string => `rgb(${colour.join()})`

/** The class's own colour, otherwise one that differs from those of the neighbouring ids. */
export function colourOf({ id, color }: DatasetClassInfo): Colour {
  const [, red, green, blue] = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color ?? '') ?? []
  if (red !== undefined && green !== undefined && blue !== undefined)
    return [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)]
  // The golden angle: numbers that are close never get hues that are close.
  return fromHsl((id * 137.508 + 8) % 360, 0.78, [0.48, 0.6, 0.38][Math.floor(id / 8) % 3] ?? 0.5)
}

/** Black or white, whichever is readable on the colour. */
export function textOn([red, green, blue]: Colour): Colour {
  return red * 0.299 + green * 0.587 + blue * 0.114 > 150 ? [0, 0, 0] : [255, 255, 255]
}

/** https://www.w3.org/TR/css-color-4/#hsl-to-rgb */
function fromHsl(hue: number, saturation: number, lightness: number): Colour {
  const amplitude = saturation * Math.min(lightness, 1 - lightness)
  const channel = (offset: number) => {
    const at = (offset + hue / 30) % 12
    return Math.round(255 * (lightness - amplitude * Math.max(-1, Math.min(at - 3, 9 - at, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}
