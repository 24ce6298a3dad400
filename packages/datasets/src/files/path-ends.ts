import { foldPath } from './fold-path.ts'

/**
 * Finds files by the end of a path that another machine wrote: `/home/me/data/images/1.jpg`, `../../upload/3/1.jpg`,
 * `C:\\data\\1.jpg`. Only files of the list can be found, so nothing outside of the dataset is.
 */
export class PathEnds {
  /** By the last part of their path. */
  readonly #byName = new Map<string, string[]>()

  constructor(files: readonly string[]) {
    for (const file of files) {
      const key = foldPath(file.slice(file.lastIndexOf('/') + 1))
      const same = this.#byName.get(key)
      if (same === undefined) this.#byName.set(key, [file])
      else same.push(file)
    }
  }

  /** The file whose path shares the longest end with `path`. Undefined when none does, or several share the same end. */
  find(path: string): string | undefined {
    const parts = partsOf(path)
    const name = parts.at(-1)
    if (name === undefined) return undefined
    let longest = 0
    let found: string[] = []
    for (const file of this.#byName.get(name) ?? []) {
      const length = sharedEnd(partsOf(file), parts)
      if (length > longest) {
        longest = length
        found = [file]
      } else if (length === longest) found.push(file)
    }
    return found.length === 1 ? found[0] : undefined
  }
}

/** The parts of a path of any system, folded, without `.` and `..`. */
export function partsOf(path: string): string[] {
  const parts = path.replaceAll('\\', '/').split('/')
  return parts.filter((part) => part !== '' && part !== '.' && part !== '..').map(foldPath)
}

/** How many parts two paths have in common, from their ends. */
export function sharedEnd(a: readonly string[], b: readonly string[]): number {
  let length = 0
  while (length < a.length && length < b.length && a.at(-1 - length) === b.at(-1 - length)) length++
  return length
}

/** `my%20photo.jpg` as addresses of the web have it. */
export function unescapePath(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
