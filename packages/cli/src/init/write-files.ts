import { existsSync } from 'node:fs'
import { copyFile, lstat, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Files are in the way. Nothing was written. */
class FilesInTheWayError extends Error {
  readonly files: readonly string[]

  constructor(dir: string, files: readonly string[]) {
    const more = files.length > 5 ? ` and ${files.length - 5} more` : ''
    super(`${dir} holds ${files.slice(0, 5).join(', ')}${more} already; --force writes over them`)
    this.files = files
  }
}

/**
 * Fills `dir` with what `fill` writes, whole or not at all: everything is made in a folder beside it first. Throws
 * {@link FilesInTheWayError} where it would write over something, unless `force`.
 */
export async function writeFolder(
  dir: string,
  { force, fill }: { force: boolean; fill: (dir: string) => Promise<void> },
): Promise<void> {
  const isThere = existsSync(dir)
  if (isThere && !(await stat(dir)).isDirectory()) throw new Error(`${dir} is a file; give the name of a folder`)
  await mkdir(dirname(dir), { recursive: true })
  const draft = await mkdtemp(join(isThere ? dir : dirname(dir), `.${basename(dir)}-draft-`))
  try {
    const made = join(draft, 'trainer')
    await mkdir(made)
    await fill(made)
    if (!isThere) return await rename(made, dir)
    const files = await listFiles(made)
    const inTheWay = files.filter((file) => existsSync(join(dir, file)))
    if (inTheWay.length > 0 && !force) throw new FilesInTheWayError(dir, inTheWay)
    await putInPlace(made, dir, files)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort()
}

/** Moves file by file; when one fails, those that were new are taken away again and old ones put back. */
async function putInPlace(from: string, dir: string, files: readonly string[]): Promise<void> {
  const undo: (() => Promise<unknown>)[] = []
  try {
    for (const [index, file] of files.entries()) {
      const target = join(dir, file)
      const made = await mkdir(dirname(target), { recursive: true })
      if (made !== undefined) undo.push(() => rm(made, { recursive: true, force: true }))
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

/** Writes texts by path. */
export async function writeTexts(dir: string, texts: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of texts) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
}
