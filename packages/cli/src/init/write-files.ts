import { existsSync } from 'node:fs'
import { copyFile, lstat, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Fills `dir` with what `fill` writes, completely or not at all: `fill` writes to a temporary folder first. Throws if
 * files exist, unless `force`.
 */
export async function writeFolder(
  dir: string,
  { force, fill }: { force: boolean; fill: (dir: string) => Promise<void> },
): Promise<void> {
  const exists = existsSync(dir)
  if (exists && !(await stat(dir)).isDirectory()) throw new Error(`${dir} is a file: expected a folder`)
  await mkdir(dirname(dir), { recursive: true })
  const draft = await mkdtemp(join(exists ? dir : dirname(dir), `.${basename(dir)}-draft-`))
  try {
    const filled = join(draft, 'trainer')
    await mkdir(filled)
    await fill(filled)
    if (!exists) return await rename(filled, dir)
    const files = await listFiles(filled)
    const existing = files.filter((file) => existsSync(join(dir, file)))
    if (existing.length > 0 && !force) throw new Error(describeExisting(dir, existing))
    await moveFiles(filled, dir, files)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

function describeExisting(dir: string, files: readonly string[]): string {
  const more = files.length > 5 ? ` and ${files.length - 5} more` : ''
  return `${dir} already contains ${files.slice(0, 5).join(', ')}${more}: use --force to overwrite`
}

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort()
}

/** Moves file by file. If one fails, removes the new files again and restores the old ones. */
async function moveFiles(from: string, dir: string, files: readonly string[]): Promise<void> {
  const undo: (() => Promise<unknown>)[] = []
  try {
    for (const [index, file] of files.entries()) {
      const target = join(dir, file)
      const created = await mkdir(dirname(target), { recursive: true })
      if (created !== undefined) undo.push(() => rm(created, { recursive: true, force: true }))
      if ((await lstat(target).catch(() => undefined)) !== undefined) {
        const old = join(from, `.old-${index}`)
        await copyFile(target, old)
        undo.push(() => copyFile(old, target))
      } else undo.push(() => rm(target, { force: true }))
      await rename(join(from, file), target)
    }
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {})
    throw error
  }
}

/** Writes text files. Keys are paths relative to `dir`. */
export async function writeTexts(dir: string, texts: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of texts) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
}
