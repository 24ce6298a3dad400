import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Longer READMEs are truncated, because a page has to show them. */
const MAX_README_CHARACTERS = 200_000

/** Finds the trainer's README and returns it unchanged. */
export async function findReadme(dir: string): Promise<string | undefined> {
  const entries = await readdir(dir, { withFileTypes: true })
  const entry = entries.find((candidate) => candidate.isFile() && /^readme(\.md|\.markdown)?$/i.test(candidate.name))
  return entry ? cutReadme(await readFile(join(dir, entry.name), 'utf8')) : undefined
}

/** Replaces NUL, which PostgreSQL cannot store in text, and truncates. */
export function cutReadme(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').slice(0, MAX_README_CHARACTERS)
}
