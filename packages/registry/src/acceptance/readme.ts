import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Longer ones are cut: a page has to show it. */
const MAX_README_CHARACTERS = 200_000

/** The trainer's README, as its author wrote it. */
export async function findReadme(dir: string): Promise<string | undefined> {
  const entries = await readdir(dir, { withFileTypes: true })
  const entry = entries.find((candidate) => candidate.isFile() && /^readme(\.md|\.markdown)?$/i.test(candidate.name))
  return entry ? cutReadme(await readFile(join(dir, entry.name), 'utf8')) : undefined
}

/** PostgreSQL's text cannot hold NUL. */
export function cutReadme(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').slice(0, MAX_README_CHARACTERS)
}
