import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { decodeText } from '../../files/read-text.ts'
import { LabelMeFile } from './schema.ts'

/** A file with its image inside has a few megabytes. A file that does not fit into a string of V8 is not from LabelMe. */
const MAX_JSON_BYTES = 500_000_000

export async function readLabelMeFile(dir: string, path: string): Promise<LabelMeFile> {
  return parseFile(await readText(dir, path), path)
}

export async function readText(dir: string, path: string): Promise<string> {
  const { size } = await stat(join(dir, path))
  if (size > MAX_JSON_BYTES)
    throw new DatasetError(`${path} has ${size} bytes; expected at most ${MAX_JSON_BYTES} for one image`)
  return decodeText(await readFile(join(dir, path)), path)
}

export function parseFile(text: string, path: string): LabelMeFile {
  const parsed = LabelMeFile.safeParse(parseJson(text, path))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') ?? ''
  throw new DatasetError(`${field.replace(/^\./, '') || 'The top level'} in ${path}: ${issue?.message}`)
}

export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DatasetError(`${path} is not JSON: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}
