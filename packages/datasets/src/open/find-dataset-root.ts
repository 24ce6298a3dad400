import type { Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
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
  let folder: string | undefined
  // The second entry decides: a folder can have a million.
  for await (const entry of entriesOf(dir)) {
    if (folder !== undefined || !entry.isDirectory()) return undefined
    folder = entry.name
  }
  if (folder === undefined || PARTS.test(folder) || findSplitOfFolder(folder) !== undefined) return undefined
  // A folder of images alone is a class.
  for await (const entry of entriesOf(join(dir, folder)))
    if (entry.isDirectory() || /\.(json|xml|ya?ml|txt)$/i.test(entry.name)) return folder
  return undefined
}

/** The entries of a folder, without notes and what belongs to tools. */
async function* entriesOf(dir: string): AsyncGenerator<Dirent> {
  const entries = await opendir(dir).catch(() => [])
  for await (const entry of entries) {
    const isIgnored = entry.isDirectory() ? isToolFolder(entry.name) : isToolFile(entry.name) || NOTES.test(entry.name)
    if (!isIgnored) yield entry
  }
}
