import { readdirSync, realpathSync, statSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { SPLIT_FOLDERS } from '../splits/split-folder.ts'

export interface PixelFinder {
  /** The path of an image inside the dataset and its file; undefined when there is none, or it lies outside. */
  find(fileName: string): { path: string; file: string } | undefined
}

/** COCO's own folders carry the year: `train2017`. */
const COCO_YEARS = ['2017', '2014']

const MAX_TOP_NAMES = 10_000

function foldersOfSplit(split: SplitName): string[] {
  return [...SPLIT_FOLDERS[split], ...COCO_YEARS.map((year) => `${split}${year}`)]
}

function firstPart(path: string): string {
  const slash = path.indexOf('/')
  return slash < 0 ? path : path.slice(0, slash)
}

/**
 * Where the images of an annotation file lie: its `file_name` is relative to a folder that the file does not name. Looked
 * at are the dataset's root, `images`, the folder of the file, and the folders of its split.
 */
export function createPixelFinder(root: string, annotationFile: string, split: SplitName | undefined): PixelFinder {
  const own = posix.dirname(annotationFile)
  const stem = posix
    .basename(annotationFile)
    .replace(/\.json$/i, '')
    .replace(/^.*_/, '')
  const names = [...new Set([stem, ...(split === undefined ? [] : foldersOfSplit(split))])]
  const places = [own === '.' ? '' : own, 'images', ...names, ...names.map((name) => `images/${name}`), '']
  // The most particular folder first: at the root `1.jpg` may be another split's.
  const folders = [...new Set(places)].filter(
    (place) => place === '' || statSync(join(root, place), { throwIfNoEntry: false })?.isDirectory(),
  )
  const realRoot = realpathSync(root)
  const top = readdirSync(root)
  // A look into a short list spares a hundred thousand questions to the file system.
  const topNames = top.length <= MAX_TOP_NAMES ? new Set(top) : undefined
  let last = folders[0] ?? ''
  return {
    find(fileName) {
      const found = findAsSpelled(fileName)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
      if (found !== undefined || /^[\x00-\x7f]*$/.test(fileName)) return found
      // Archives from macOS hold names in the other Unicode form.
      return findAsSpelled(fileName.normalize('NFC')) ?? findAsSpelled(fileName.normalize('NFD'))
    },
  }

  function findAsSpelled(fileName: string): { path: string; file: string } | undefined {
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

  function tryFolder(folder: string, fileName: string): { path: string; file: string } | undefined {
    if (folder === '' && topNames !== undefined && !topNames.has(firstPart(fileName))) return undefined
    const path = folder === '' ? fileName : `${folder}/${fileName}`
    const file = join(root, path)
    try {
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined
      // A link must not make a file from elsewhere part of the dataset.
      const isInside = realpathSync.native(file).startsWith(realRoot === sep ? sep : realRoot + sep)
      return isInside ? { path, file } : undefined
    } catch {
      return undefined
    }
  }
}
