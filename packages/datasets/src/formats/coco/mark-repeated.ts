import { createPixelFinder } from '../../files/pixel-finder.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import type { IndexedCocoFile } from './index-coco-file.ts'

/** The order in which splits keep an image that several files list: what must not leak comes first. */
const STRICTNESS = { test: 3, val: 2, train: 1 } as const

/**
 * Marks the images that several files of a dataset describe, as `instances_all.json` beside `instances_train.json`. Each
 * image is read from one file: one that gives it a split, test before val before train; the other entries are counted.
 */
export function markRepeated(
  root: string,
  files: readonly IndexedCocoFile[],
  losses: LossCounter,
  followLinks?: string,
): void {
  const byName = new Map<string, [file: IndexedCocoFile, at: number][]>()
  for (const file of files) {
    for (const [at, name] of file.fileNames.entries()) {
      const entries = byName.get(name)
      if (entries === undefined) byName.set(name, [[file, at]])
      else entries.push([file, at])
    }
  }
  const finders = new Map(
    files.map((file) => [file, createPixelFinder(root, file.index.name, file.index.split, followLinks)] as const),
  )
  for (const [name, entries] of byName) {
    if (entries.length < 2) continue
    // The files of splits can have images of the same name, each in its own folder.
    const byPath = new Map<string, typeof entries>()
    for (const entry of entries) {
      const [{ index }] = entry
      const path = finders.get(entry[0])?.find(name)?.path
      // Without its file, an image of one split cannot be told from one of another split.
      const key = path ?? (index.split === undefined ? `${name} in no split` : `${name} in ${index.split}`)
      byPath.set(key, [...(byPath.get(key) ?? []), entry])
    }
    const unsplit = `${name} in no split`
    const first = [...byPath.keys()].find((key) => key !== unsplit)
    if (byPath.has(unsplit) && first !== undefined) {
      byPath.set(first, [...(byPath.get(first) ?? []), ...(byPath.get(unsplit) ?? [])])
      byPath.delete(unsplit)
    }
    for (const same of byPath.values()) keepStrictest(name, same, losses)
  }
}

function keepStrictest(
  path: string,
  entries: readonly (readonly [file: IndexedCocoFile, at: number])[],
  losses: LossCounter,
): void {
  const rank = ({ index }: IndexedCocoFile) => (index.split === undefined ? 0 : STRICTNESS[index.split])
  const [kept, ...others] = entries.toSorted(([a], [b]) => rank(b) - rank(a))
  for (const [{ index, fileNames }, at] of others) {
    index.repeated ??= new Uint8Array(new SharedArrayBuffer(fileNames.length))
    index.repeated[at] = 1
    const isLeak = index.split !== undefined && index.split !== kept?.[0].index.split
    const reason = isLeak ? 'image-in-several-splits' : 'image-duplicate'
    losses.add(reason, `${path} is in ${kept?.[0].index.name} and in ${index.name}`)
  }
}
