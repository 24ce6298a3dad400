import type { Picture } from './decode-image.ts'
import { resizeBilinear } from './resize-bilinear.ts'

/** The input of a network. */
export interface InputShape {
  /** Side of the square, in pixels. */
  imageSize: number
  /** 1 grey, 3 red-green-blue. */
  channels: 1 | 3
}

/** Converts a picture to a network's channels and stretches it to its size. Transparency is dropped. */
export function fitImage(picture: Picture, shape: InputShape): Uint8Array {
  const { width, height } = picture
  const data = toChannels(picture, shape.channels)
  if (width === shape.imageSize && height === shape.imageSize) return data
  return resizeBilinear({ width, height, channels: shape.channels, data }, shape.imageSize, shape.imageSize)
}

function toChannels(picture: Picture, outChannels: 1 | 3): Uint8Array {
  const { channels, data } = picture
  if (channels === outChannels) return data
  const isGrey = channels < 3
  const pixels = picture.width * picture.height
  const out = new Uint8Array(pixels * outChannels)
  for (let i = 0; i < pixels; i++) {
    const at = i * channels
    const red = data[at] ?? 0
    const green = isGrey ? red : (data[at + 1] ?? 0)
    const blue = isGrey ? red : (data[at + 2] ?? 0)
    if (outChannels === 1) {
      // ITU-R BT.601, what most tools mean by grey.
      out[i] = isGrey ? red : Math.round(0.299 * red + 0.587 * green + 0.114 * blue)
    } else {
      out[i * 3] = red
      out[i * 3 + 1] = green
      out[i * 3 + 2] = blue
    }
  }
  return out
}
