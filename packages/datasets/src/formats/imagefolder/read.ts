import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { countSkipped } from '../../files/count-skipped.ts'
import { IMAGE_NAME, listFiles } from '../../files/list-files.ts'
import { isToolFolder } from '../../files/tool-folders.ts'
import { isOtherImage } from '../../images/other-images.ts'
import { sortNames, toClasses } from '../../record/classes.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { findSplitInWords, findSplitOfFolder } from '../../splits/split-folder.ts'

/** Folds of a cross-validation, and parts of a download. As names of classes they would be numbers alone. */
const PART = /^(?:fold|split|part|batch|subset|cv)s?[ _-]?\d+$/i

interface Root {
  /** A folder of a split; empty for the dataset itself. */
  path: string
  split: SplitName | undefined
  /** Each class has folders of splits: `cat/train`, `dog/val`. */
  isClassFirst?: boolean | undefined
}

/**
 * Opens `{split}/{class}/{image}`, `{class}/{split}/{image}` or `{class}/{image}`. The classes are the sorted names of the folders,
 * as in torchvision and Ultralytics. Other folders inside a class folder belong to the class.
 */
export async function readImageFolder(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { onIssue, followLinks, signal } = options
  const roots = await findRoots(dir, followLinks)
  const names = new Set<string>()
  for (const root of roots) for (const name of await listFolders(join(dir, root.path), followLinks)) names.add(name)
  const classes = toClasses(sortNames(names))
  if (classes.length === 0) {
    throw new DatasetError('The dataset has no classes: expected images in folders {split}/{class} or {class}', {
      reason: 'no-annotations',
    })
  }
  const parts = classes.filter(({ name }) => PART.test(name))
  if (parts.length > 1 && parts.length === classes.length && (await haveFolders(dir, roots, followLinks)))
    throw new DatasetError(
      `${parts.map(({ name }) => name).join(', ')} are parts of a dataset, with folders of classes inside: give one of them, or name them train, val and test`,
      { reason: 'no-annotations' },
    )
  const listing = await listFiles(dir, options)
  const { files } = listing
  const images = files.filter((path) => IMAGE_NAME.test(path))
  const places = images.map((path) => ({ path, place: findPlace(path, roots) }))
  if (!places.some(({ place }) => place !== undefined)) {
    throw new DatasetError(`The dataset has no images in its ${classes.length} class folders`, { reason: 'no-images' })
  }
  const losses = new LossCounter()
  const classIds = new Map(classes.map(({ id, name }) => [name, id]))

  return {
    format: 'imagefolder',
    taskType: 'classification',
    classes,
    losses,
    async *images() {
      countSkipped(listing, losses)
      countOtherFiles(dir, files, roots, losses)
      for (const { path, place } of places) {
        signal?.throwIfAborted()
        const classId = place === undefined ? undefined : classIds.get(place.className)
        if (place === undefined || classId === undefined) {
          if (onIssue === undefined) losses.add('image-unlabelled', `${path} is in no class folder`)
          else
            onIssue({
              path,
              detail: `must be in a class folder: ${roots[0]?.split === undefined ? '' : 'train/'}<class>/`,
            })
          continue
        }
        const annotations = [{ kind: 'class' as const, classId }]
        yield { path, file: join(dir, path), width: 0, height: 0, split: place.split, annotations }
      }
    },
  }
}

/** The split folders that have folders in them: a folder `test` with images alone is a class. */
async function findRoots(dir: string, followLinks: string | undefined): Promise<Root[]> {
  const names = await listFolders(dir, followLinks)
  // Names such as `training_set` can be classes too (`crash_test`): all folders must name a split.
  const isLoose = names.length > 1 && names.every((name) => findSplitInWords(name) !== undefined)
  const roots: Root[] = []
  for (const name of names) {
    const split = isLoose ? findSplitInWords(name) : findSplitOfFolder(name)
    const inside = split === undefined ? [] : await listFolders(join(dir, name), followLinks)
    if (inside.length === 0) continue
    // Archives repeat the name: `training_set/training_set/cat`.
    const [only = ''] = inside
    const isRepeated = inside.length === 1 && findSplitInWords(only) === split
    const repeated = isRepeated ? await listFolders(join(dir, name, only), followLinks) : []
    roots.push({ path: repeated.length > 0 ? `${name}/${only}` : name, split })
  }
  if (roots.length > 0) return roots
  return [{ path: '', split: undefined, isClassFirst: await haveSplits(dir, names, followLinks) }]
}

/** Whether there are several classes, and each has folders of splits alone. */
async function haveSplits(dir: string, names: readonly string[], followLinks: string | undefined): Promise<boolean> {
  for (const name of names) {
    const inside = await listFolders(join(dir, name), followLinks)
    if (inside.length === 0 || !inside.every((folder) => findSplitOfFolder(folder) !== undefined)) return false
  }
  return names.length > 1
}

function findPlace(
  path: string,
  roots: readonly Root[],
): { className: string; split: SplitName | undefined } | undefined {
  for (const root of roots) {
    const rest =
      root.path === '' ? path : path.startsWith(`${root.path}/`) ? path.slice(root.path.length + 1) : undefined
    const [className = '', ...inside] = rest?.split('/') ?? []
    if (inside.length === 0) continue
    const own = root.isClassFirst && inside.length > 1 ? findSplitOfFolder(inside[0] ?? '') : undefined
    return { className, split: own ?? root.split }
  }
  return undefined
}

/** Counts the files in class folders that are not read: images with suffixes that loaders pass over, and anything else. */
function countOtherFiles(dir: string, files: readonly string[], roots: readonly Root[], losses: LossCounter): void {
  for (const path of files) {
    if (IMAGE_NAME.test(path) || findPlace(path, roots) === undefined) continue
    const isImage = isOtherImage(join(dir, path))
    losses.add(isImage ? 'image-not-loadable' : 'file-ignored', isImage ? `${path}: its suffix` : path)
  }
}

/** Whether every folder of a class has folders in it. */
async function haveFolders(dir: string, roots: readonly Root[], followLinks: string | undefined): Promise<boolean> {
  for (const root of roots)
    for (const name of await listFolders(join(dir, root.path), followLinks))
      if ((await listFolders(join(dir, root.path, name), followLinks)).length === 0) return false
  return true
}

/** The folders in a folder, without hidden ones and those of tools. */
async function listFolders(dir: string, followLinks: string | undefined): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((): Dirent[] => [])
  const names: string[] = []
  for (const entry of entries) {
    if (isToolFolder(entry.name)) continue
    const isLink = followLinks !== undefined && entry.isSymbolicLink()
    const isFolder = isLink
      ? await stat(join(dir, entry.name)).then(
          (stats) => stats.isDirectory(),
          () => false,
        )
      : entry.isDirectory()
    if (isFolder) names.push(entry.name)
  }
  return names
}
