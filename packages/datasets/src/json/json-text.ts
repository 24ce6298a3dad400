import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { decodeText } from '../files/read-text.ts'

/** A text that does not fit into a string of V8 cannot be parsed at once. */
const MAX_TEXT_BYTES = 500_000_000

/** The text of a file of annotations. Throws `DatasetError` for one that is too large, and as `decodeText` does. */
export async function readLimitedText(dir: string, path: string): Promise<string> {
  const { size } = await stat(join(dir, path)).catch((cause: unknown) => {
    throw new DatasetError(`${path} cannot be read`, { reason: 'unreadable', cause })
  })
  if (size > MAX_TEXT_BYTES)
    throw new DatasetError(`${path} has ${size} bytes; expected at most ${MAX_TEXT_BYTES}: split it into several files`)
  return decodeText(await readFile(join(dir, path)), path)
}

export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DatasetError(`${path} is not JSON: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

/** A JSON file as a value of unknown shape. */
export async function readJson(dir: string, path: string): Promise<unknown> {
  return parseJson(await readLimitedText(dir, path), path)
}
