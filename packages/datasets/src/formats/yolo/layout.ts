import { posix } from 'node:path'
import { foldPath } from '../../files/fold-path.ts'

/** Suffixes of the files that the loader takes for images, in any case. Its versions differ in the last four. */
const LOADABLE = /\.(bmp|dng|jpe?g|mpo|png|tiff?|webp|heic|heif|pfm|jp2|avif)$/i
/** The loader skips images with a shorter side. */
export const MIN_SIDE = 10

/** Whether the loader reads an image with this name. */
export function isLoadableName(path: string): boolean {
  return LOADABLE.test(path)
}

/** Where the loader expects the labels of an image: the last `images` folder becomes `labels`, the suffix `.txt`. */
export function labelPathOf(imagePath: string): string {
  const rooted = `/${imagePath}`
  const at = rooted.lastIndexOf('/images/')
  const moved = at === -1 ? rooted : `${rooted.slice(0, at)}/labels/${rooted.slice(at + '/images/'.length)}`
  const dot = moved.lastIndexOf('.')
  return `${dot > moved.lastIndexOf('/') ? moved.slice(0, dot) : moved}.txt`.slice(1)
}

/**
 * Finds the files and folders that a data.yaml or a list of images names. Only files of the listing can be found, so
 * nothing outside of the dataset is. Absolute paths of another machine and a wrong `path` are accepted when their end matches.
 */
export class FileFinder {
  readonly files: readonly string[]
  readonly #files: ReadonlySet<string>
  readonly #folders = new Set<string>([''])
  #folded: Map<string, string> | undefined

  constructor(files: readonly string[]) {
    this.files = files
    this.#files = new Set(files)
    let last = ''
    for (const file of files) {
      const folder = folderOf(file)
      if (folder === last) continue
      last = folder
      for (let part = folder; part !== '' && !this.#folders.has(part); part = folderOf(part)) this.#folders.add(part)
    }
  }

  /** The labels of an image, whose suffix can be in capitals. Undefined when no file has them. */
  labelsOf(image: string): string | undefined {
    const path = labelPathOf(image)
    if (this.#files.has(path)) return path
    const other = `${path.slice(0, -'.txt'.length)}.TXT`
    return this.#files.has(other) ? other : undefined
  }

  has(path: string): boolean {
    return this.#files.has(path)
  }

  /** The file or folder that `text` names, relative to each of `bases` in turn. A file is also found in another case. */
  find(text: string, bases: readonly string[]): { path: string; isFolder: boolean; isOtherCase: boolean } | undefined {
    const candidates = candidatesOf(text, bases)
    for (const path of candidates) {
      if (this.#files.has(path)) return { path, isFolder: false, isOtherCase: false }
      if (this.#folders.has(path)) return { path, isFolder: true, isOtherCase: false }
    }
    this.#folded ??= new Map(this.files.map((file) => [foldPath(file), file]))
    for (const path of candidates) {
      const other = this.#folded.get(foldPath(path))
      if (other !== undefined) return { path: other, isFolder: false, isOtherCase: true }
    }
    return undefined
  }

  /** The files below a folder, sorted. */
  below(folder: string): string[] {
    return folder === '' ? [...this.files] : this.files.filter((file) => file.startsWith(`${folder}/`))
  }
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

function candidatesOf(text: string, bases: readonly string[]): string[] {
  const path = text.trim().replaceAll('\\', '/')
  const isAbsolute = path.startsWith('/') || /^[A-Za-z]:/.test(path)
  const found: string[] = []
  const add = (candidate: string) => {
    const normal = posix.normalize(candidate).replace(/\/+$/, '')
    if (normal === '..' || normal.startsWith('../') || normal.startsWith('/')) return
    found.push(normal === '.' ? '' : normal)
  }
  if (!isAbsolute) for (const base of bases) add(posix.join(base, path))
  // Roboflow writes `../train/images` for a folder beside the file.
  const parts = path
    .replace(/^[A-Za-z]:/, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  const leading = parts.findIndex((part) => part !== '..')
  if (leading > 0) for (const base of bases) add(posix.join(base, ...parts.slice(leading)))
  for (let start = Math.max(leading, 0); start < parts.length; start++) add(parts.slice(start).join('/'))
  return [...new Set(found)]
}
