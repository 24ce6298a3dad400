import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The lines of the first of these files that exists, without comments and empty lines. */
export async function findClassList(dir: string, names: readonly string[]): Promise<string[] | undefined> {
  for (const name of names) {
    const text = await readFile(join(dir, name), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const lines = text
      .replace(/^\ufeff/, '')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    // `label:color:parts:actions`, as CVAT and Datumaro write it.
    return [...new Set(lines.map((line) => (name === 'labelmap.txt' ? line.split(':', 1).join('') : line).trim()))]
  }
  return undefined
}
