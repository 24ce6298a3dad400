import type { DatasetClassInfo } from '../record/record.ts'
import type { Colour } from './canvas.ts'

/** The class's own colour, else one that differs from those of its neighbours. */
export function colourOf({ id, color }: DatasetClassInfo): Colour {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color ?? '')
  if (hex !== null) return [hex[1], hex[2], hex[3]].map((part) => Number.parseInt(part ?? '0', 16)) as unknown as Colour
  // The golden angle: no two near numbers get near hues.
  return fromHsl((id * 137.508 + 8) % 360, 0.78, [0.48, 0.6, 0.38][Math.floor(id / 8) % 3] ?? 0.5)
}

/** Black or white, whichever can be read on it. */
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
