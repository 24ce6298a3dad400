import { cleanField, type Distribution } from './package.ts'

/** The distribution in an os-release file; undefined when it names none. */
export function parseOsRelease(text: string): Distribution | undefined {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, key, value] = /^([A-Z_]+)=["']?(.*?)["']?\s*$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) fields.set(key, value)
  }
  const id = cleanField(fields.get('ID'), 50)
  return id === undefined ? undefined : { id, version: cleanField(fields.get('VERSION_ID'), 50) ?? '' }
}
