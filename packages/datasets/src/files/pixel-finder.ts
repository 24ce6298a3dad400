import { readdirSync, realpathSync, statSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { findSplitOfFolder, SPLIT_FOLDERS } from '../splits/split-folder.ts'
import { IMAGE_NAME } from './list-files.ts'
import { PathEnds, unescapePath } from './path-ends.ts'
import { toPortablePath } from './portable-path.ts'
import { isToolFile, isToolFolder } from './tool-folders.ts'

export interface FoundPixels {
  path: string
  file: string
  isGuessed?: boolean | undefined
}

export interface PixelFinder {
  /**
   * The path of an image in the dataset, and its file. Undefined when it does not exist or is outside of the dataset.
   * `isGuessed` when only the end of the path matches, as in exports of other machines, and matches one file.
   */
  find(fileName: string): FoundPixels | undefined
}

/** COCO's own folders carry the year: `train2017`. */
const COCO_YEARS = ['2017', '2014']

const MAX_TOP_NAMES = 10_000
const MAX_DEPTH = 32

/** `train`, `Train`, `train2017`. */
function isFolderOfSplit(name: string, split: SplitName): boolean {
  return findSplitOfFolder(name.replace(/\d{4}$/, '')) === split
}

/** The images below a folder, without hidden ones and those of tools. Links are left out. */
function listImages(root: string, folder = '', depth = 0): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isFile()) return IMAGE_NAME.test(entry.name) && !isToolFile(entry.name) ? [path] : []
    return entry.isDirectory() && !isToolFolder(entry.name) && depth < MAX_DEPTH
      ? listImages(root, path, depth + 1)
      : []
  })
}

function foldersOfSplit(split: SplitName): string[] {
  return [...SPLIT_FOLDERS[split], ...COCO_YEARS.map((year) => `${split}${year}`)]
}

function firstPart(path: string): string {
  const slash = path.indexOf('/')
  return slash < 0 ? path : path.slice(0, slash)
}

/**
 * Finds the images of an annotation file, whose `file_name` is relative to a folder that the file does not name. Searches
 * the dataset's root, `images`, the folder of the file, and the folders of its split.
 */
export function createPixelFinder(
  root: string,
  annotationFile: string,
  split: SplitName | undefined,
  followLinks?: string,
): PixelFinder {
  const own = posix.dirname(annotationFile)
  const stem = posix
    .basename(annotationFile)
    .replace(/\.json$/i, '')
    .replace(/^.*_/, '')
  const roots = [realpathSync(root), ...(followLinks === undefined ? [] : [realpathSync(followLinks)])]
  const top = readdirSync(root)
  const ofSplit = split === undefined ? [] : top.filter((name) => isFolderOfSplit(name, split))
  const names = [...new Set([stem, ...ofSplit, ...(split === undefined ? [] : foldersOfSplit(split))])]
  const candidates = [own === '.' ? '' : own, 'images', ...names, ...names.map((name) => `images/${name}`), '']
  // The most specific folder first: `1.jpg` at the root can belong to another split.
  const folders = [...new Set(candidates)].filter(
    (folder) => folder === '' || statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory(),
  )
  // Looking into a short list saves a hundred thousand system calls.
  const topNames = top.length <= MAX_TOP_NAMES ? new Set(top) : undefined
  let last = folders[0] ?? ''
  let byEnd: PathEnds | undefined
  return {
    find(fileName) {
      const path = toPortablePath(fileName)
      const found = path === undefined ? undefined : findInFolders(path)
      if (found !== undefined) return found
      byEnd ??= new PathEnds(listImages(root))
      const guessed = byEnd.find(fileName) ?? byEnd.find(unescapePath(fileName))
      return guessed === undefined ? undefined : { path: guessed, file: join(root, guessed), isGuessed: true }
    },
  }

  function findInFolders(fileName: string): FoundPixels | undefined {
    const found = findAsSpelled(fileName)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
    if (found !== undefined || /^[\x00-\x7f]*$/.test(fileName)) return found
    // Archives from macOS have names in the other Unicode form.
    return findAsSpelled(fileName.normalize('NFC')) ?? findAsSpelled(fileName.normalize('NFD'))
  }

  function findAsSpelled(fileName: string): FoundPixels | undefined {
    const found = tryFolder(last, fileName)
    if (found !== undefined) return found
    for (const folder of folders) {
      if (folder === last) continue
      const other = tryFolder(folder, fileName)
      if (other === undefined) continue
      last = folder
      return other
    }
    return undefined
  }

  function tryFolder(folder: string, fileName: string): FoundPixels | undefined {
    if (folder === '' && topNames !== undefined && !topNames.has(firstPart(fileName))) return undefined
    const path = folder === '' ? fileName : `${folder}/${fileName}`
    const file = join(root, path)
    try {
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined
      // A link must not make a file outside of the dataset part of it.
      const real = realpathSync.native(file)
      const isInside = roots.some((folder) => real.startsWith(folder === sep ? sep : folder + sep))
      return isInside ? { path, file } : undefined
    } catch {
      return undefined
    }
  }
}
