import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isToolFile, isToolFolder } from '../files/tool-folders.ts'
import { findSplitOfFolder } from '../splits/split-folder.ts'

/** Files that archives have beside the folder of the dataset. */
const NOTES = /^(readme|licen[cs]e|copying|changelog|notes?)\b.*$|\.(md|pdf|html?|zip|tar|gz|tgz|7z)$/i
/** Folders with a meaning of their own: what is above them is the root. */
const PARTS =
  /^(images?|labels?|annotations|jpegimages|imagesets|masks?|segmentation(class|object).*|(train|val|test)\d{4})$/i
const MAX_DEPTH = 4

/**
 * The folder that holds the dataset, relative to `dir`: an archive often has one folder at its top. Empty when it is `dir`.
 * A folder is entered while it is the only entry, beside notes and files of tools, and has folders or annotations in it.
 */
export async function findDatasetRoot(dir: string): Promise<string> {
  let root = ''
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const inside = await findOnlyFolder(join(dir, root))
    if (inside === undefined) break
    root = root === '' ? inside : `${root}/${inside}`
  }
  return root
}

async function findOnlyFolder(dir: string): Promise<string | undefined> {
  const [folder, ...others] = await list(dir)
  if (folder === undefined || others.length > 0 || !folder.isDirectory()) return undefined
  const { name } = folder
  if (PARTS.test(name) || findSplitOfFolder(name) !== undefined) return undefined
  const inside = await list(join(dir, name))
  // A folder of images alone is a class.
  const hasParts = inside.some((entry) => entry.isDirectory() || /\.(json|xml|ya?ml|txt)$/i.test(entry.name))
  return hasParts ? name : undefined
}

async function list(dir: string) {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) =>
    entry.isDirectory() ? !isToolFolder(entry.name) : !isToolFile(entry.name) && !NOTES.test(entry.name),
  )
}
