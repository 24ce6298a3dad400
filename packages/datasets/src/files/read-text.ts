import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'

/**
 * Reads a text file of a dataset: UTF-8, or UTF-16 with a byte order mark, as Windows PowerShell writes it. Throws
 * `DatasetError` for a file that cannot be read, and for bytes that are not such text: a guess would change names.
 */
export async function readText(dir: string, path: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(join(dir, path))
  } catch (cause) {
    throw new DatasetError(`"${path}" cannot be read`, { reason: 'unreadable', cause })
  }
  return decodeText(bytes, path)
}

/** The text in bytes, without a byte order mark. See {@link readText}. */
export function decodeText(bytes: Uint8Array, path: string): string {
  const encoding = encodingOfMark(bytes) ?? 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DatasetError(`"${path}" is not ${encoding.toUpperCase()} text: save it as UTF-8`, {
      reason: 'unreadable',
      cause,
    })
  }
}

/** The encoding that the byte order mark names, where there is one. */
export function encodingOfMark([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined
}

/** The lines of a text, trimmed, without empty ones. */
export function toLines(text: string): string[] {
  return text
    .split(/\r?\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}
