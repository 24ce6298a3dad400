import { DatasetError } from '@trainyard/contract/trainer-errors'
import { parseJson, readLimitedText } from '../../json/json-text.ts'
import { LabelMeFile } from './schema.ts'

export async function readLabelMeFile(dir: string, path: string): Promise<LabelMeFile> {
  return parseFile(await readLimitedText(dir, path), path)
}

export function parseFile(text: string, path: string): LabelMeFile {
  const parsed = LabelMeFile.safeParse(parseJson(text, path))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') ?? ''
  throw new DatasetError(`${field.replace(/^\./, '') || 'The top level'} in ${path}: ${issue?.message}`)
}
