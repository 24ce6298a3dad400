import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readText, toLines } from './read-text.ts'

/** The lines of the first of these files that exists, without comments, empty lines and repeats. */
export async function findClassList(dir: string, names: readonly string[]): Promise<string[] | undefined> {
  const name = names.find((path) => existsSync(join(dir, path)))
  if (name === undefined) return undefined
  return [...new Set(toLines(await readText(dir, name)).filter((line) => !line.startsWith('#')))]
}
