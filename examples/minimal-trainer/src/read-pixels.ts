import { readFile } from 'node:fs/promises'
import { DatasetError } from '@trainyard/sdk'
import { decode } from 'fast-png'

/** Reads a PNG as `side` × `side` grey values from 0 to 1. */
export async function readPixels(path: string, side: number): Promise<number[]> {
  try {
    const { width, height, channels, depth, data } = decode(await readFile(path))
    const max = 2 ** depth - 1
    return Array.from({ length: side * side }, (_, index) => {
      const x = Math.floor(((index % side) * width) / side)
      const y = Math.floor((Math.floor(index / side) * height) / side)
      return (data[(y * width + x) * channels] ?? 0) / max
    })
  } catch (error) {
    throw new DatasetError(`${path} cannot be read as a PNG`, { cause: error })
  }
}
