import type { SplitName } from '@trainyard/contract'
import { foldPath } from '../../files/fold-path.ts'
import { partsOf, sharedEnd } from '../../files/path-ends.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { splitExtension } from '../../files/split-extension.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'

export interface FoundImage {
  path: string
  /** Only the end of the path matches. */
  isGuessed: boolean
}

/** Finds images by the names that tools write: paths of any system, file names alone, names without a suffix. */
export class ImageNames {
  readonly #paths: ReadonlySet<string>
  /** By the last part of their path, and by that part without its suffix. */
  readonly #byName = new Map<string, string[]>()
  readonly #byStem = new Map<string, string[]>()

  constructor(paths: readonly string[]) {
    this.#paths = new Set(paths)
    for (const path of paths) {
      const name = foldPath(path.slice(path.lastIndexOf('/') + 1))
      push(this.#byName, name, path)
      push(this.#byStem, splitExtension(name).stem, path)
    }
  }

  /** Undefined when no image, or more than one, can be meant. */
  find(
    name: string,
    { folder, split }: { folder?: string | undefined; split?: SplitName | undefined } = {},
  ): FoundImage | undefined {
    for (const base of folder === undefined ? [''] : [folder, '']) {
      const path = toPortablePath(name, base)
      if (path !== undefined && this.#paths.has(path)) return { path, isGuessed: false }
    }
    const parts = partsOf(name)
    const last = parts.at(-1)
    if (last === undefined) return undefined
    const candidates = this.#byName.get(last) ?? this.#byStem.get(last)
    // `clip.001` can be a stem.
    const others = candidates ?? this.#byStem.get(splitExtension(last).stem)
    const path = others && choose(others, parts, split)
    if (path === undefined) return undefined
    const kept = sharedEnd(partsOf(path).slice(0, -1), parts.slice(0, -1)) + 1
    return { path, isGuessed: kept < parts.length || candidates === undefined }
  }
}

function choose(paths: readonly string[], parts: readonly string[], split: SplitName | undefined): string | undefined {
  let longest = -1
  let found: string[] = []
  for (const path of paths) {
    const length = sharedEnd(partsOf(path).slice(0, -1), parts.slice(0, -1))
    if (length > longest) [longest, found] = [length, [path]]
    else if (length === longest) found.push(path)
  }
  if (found.length > 1 && split !== undefined) {
    const same = found.filter((path) =>
      path
        .split('/')
        .slice(0, -1)
        .some((part) => findSplitOfFolder(part) === split),
    )
    if (same.length > 0) found = same
  }
  return found.length === 1 ? found[0] : undefined
}

function push(map: Map<string, string[]>, key: string, path: string): void {
  const same = map.get(key)
  if (same === undefined) map.set(key, [path])
  else same.push(path)
}
