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

/** Folders that hold the folders of classes or splits, beside files that describe them. */
const WRAPPER = /^(?:images?|imgs?|pictures?|photos?|jpegimages)$/i
/** Files that describe a dataset. A folder of these alone is no class. */
const NOTES = /\.(?:txt|csv|tsv|jsonl?|xml|ya?ml|md|pdf|html?|mat|npy|npz|pkl|lst)$/i

interface Folders {
  /** Folders that hold only files that describe the dataset. */
  notes: ReadonlySet<string>
  followLinks: string | undefined
}

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
  const listing = await listFiles(dir, options)
  const { files } = listing
  const notes = findNotes(files)
  const roots = await findRoots(dir, { notes, followLinks })
  const names = new Set<string>()
  for (const root of roots)
    for (const name of await listClasses(dir, root.path, { notes, followLinks })) names.add(name)
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
      countOtherFiles(dir, files, losses)
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
async function findRoots(dir: string, folders: Folders, base = ''): Promise<Root[]> {
  const { followLinks } = folders
  const within = (name: string) => (base === '' ? name : `${base}/${name}`)
  const names = await listClasses(dir, base, folders)
  const [wrapper] = names
  if (base === '' && wrapper !== undefined && names.length === 1 && WRAPPER.test(wrapper)) {
    const inside = await listFolders(join(dir, wrapper), followLinks)
    if (inside.length > 0) return findRoots(dir, folders, wrapper)
  }
  // Names such as `training_set` can be classes too (`crash_test`): all folders must name a split.
  const isLoose = names.length > 1 && names.every((name) => findSplitInWords(name) !== undefined)
  const roots: Root[] = []
  for (const name of names) {
    const split = isLoose ? findSplitInWords(name) : findSplitOfFolder(name)
    const inside = split === undefined ? [] : await listFolders(join(dir, base, name), followLinks)
    if (inside.length === 0) continue
    // Archives repeat the name: `training_set/training_set/cat`.
    const [only = ''] = inside
    const isRepeated = inside.length === 1 && findSplitInWords(only) === split
    const repeated = isRepeated ? await listFolders(join(dir, base, name, only), followLinks) : []
    roots.push({ path: within(repeated.length > 0 ? `${name}/${only}` : name), split })
  }
  if (roots.length > 0) return roots
  return [{ path: base, split: undefined, isClassFirst: await haveSplits(join(dir, base), names, followLinks) }]
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

/** Counts the files that are not read, also beside the folders: images with suffixes that loaders pass over, and anything else. */
function countOtherFiles(dir: string, files: readonly string[], losses: LossCounter): void {
  for (const path of files) {
    if (IMAGE_NAME.test(path)) continue
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

/** The folders in a folder that can be classes or splits. */
async function listClasses(dir: string, path: string, { notes, followLinks }: Folders): Promise<string[]> {
  const names = await listFolders(join(dir, path), followLinks)
  return names.filter((name) => !notes.has(path === '' ? name : `${path}/${name}`))
}

/** The folders whose files, at any depth, only describe the dataset. An empty folder is none of them. */
function findNotes(files: readonly string[]): Set<string> {
  const notes = new Set<string>()
  const others = new Set<string>()
  for (const path of files) {
    const found = NOTES.test(path) ? notes : others
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) found.add(path.slice(0, end))
  }
  return new Set([...notes].filter((folder) => !others.has(folder)))
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
