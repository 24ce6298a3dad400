import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { NotCocoError } from '../../errors.ts'
import { countSkipped } from '../../files/count-skipped.ts'
import { listFiles } from '../../files/list-files.ts'
import { partsOf, unescapePath } from '../../files/path-ends.ts'
import { asUtf8, type Utf8File } from '../../json/as-utf8.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { countOthers } from '../count-others.ts'
import { type CocoFile, findCocoFiles } from './find-coco-files.ts'
import { type IndexedCocoFile, indexCocoFile } from './index-coco-file.ts'
import { markRepeated } from './mark-repeated.ts'
import { openSharedCoco } from './open-shared-coco.ts'
import { readCocoClasses } from './read-classes.ts'
import type { SharedCoco } from './shared-coco.ts'

/**
 * Opens a COCO dataset: a folder with `annotations/instances_*.json`, with files at its root or in the folders of its
 * splits, or one file. Each file is read twice, first from end to end and then image by image, so that memory does not grow
 * with its size beyond 16 bytes an annotation. Throws `DatasetError` for a file that is not COCO.
 */
export async function readCoco(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { name = `"${dir}"`, outlines = true, followLinks, signal } = options
  const { root, files, others, isFile } = await findCocoFiles(dir, options)
  if (files.length === 0) {
    throw new DatasetError(`No COCO annotations in ${name}: expected a .json file there or in "annotations"`, {
      reason: 'no-annotations',
    })
  }
  const losses = new LossCounter()
  const indexed: IndexedCocoFile[] = []
  let damage: DatasetError | undefined
  const copies: Utf8File[] = []
  for (const file of files) {
    try {
      const copy = await asUtf8(file.file, signal)
      copies.push(copy)
      indexed.push(await indexCocoFile({ ...file, file: copy.file }, signal))
    } catch (error) {
      const isOther = error instanceof NotCocoError
      if (!isOther && !(error instanceof DatasetError)) throw error
      // One damaged file costs its images, not the dataset.
      if (!isOther) damage ??= error
      losses.add(isOther ? 'file-ignored' : 'label-file-invalid', error.message)
    }
  }
  for (const other of others) losses.add('file-ignored', `${other} describes the images in another way`)
  if (indexed.length === 0 && damage !== undefined) throw damage
  if (indexed.length === 0) {
    const seen = losses.list().flatMap(({ examples }) => examples)
    throw new DatasetError(`No COCO annotations in ${name}: ${seen.join('; ')}`, { reason: 'no-annotations' })
  }
  for (const file of indexed) losses.merge(file.losses.list())
  if (indexed.length > 1) markRepeated(root, indexed, losses, followLinks)
  if (!isFile) await countUnlisted(root, { files, others, indexed }, losses, options)
  const { classes, byId } = readCocoClasses(
    indexed.map(({ index, categories }) => ({ name: index.name, categories })),
    losses,
  )
  if (indexed.every(({ index }) => index.imageOffsets.length === 0)) {
    throw new DatasetError(
      `The dataset has no images: "images" is empty in ${files.map(({ name }) => name).join(', ')}`,
      { reason: 'no-images' },
    )
  }
  const shared: SharedCoco = {
    format: 'coco',
    root,
    taskType: findTask(indexed),
    outlines,
    followLinks,
    classes,
    files: indexed.map(({ index }, number) => ({ index, classById: byId[number] ?? new Map() })),
  }
  return {
    ...openSharedCoco(shared, losses),
    close: async () => {
      for (const { remove } of copies) await remove?.()
    },
    attributes: indexed[0]?.members ?? {},
    shared: {
      handle: shared,
      images: countCocoImages(shared),
      *names() {
        for (const { fileNames, index } of indexed)
          for (const [at, path] of fileNames.entries())
            if (index.repeated?.[at] !== 1) yield { path, split: index.split }
      },
    },
  }
}

/** Counts images that no file lists, by their names, and files that are neither images nor annotations. */
async function countUnlisted(
  root: string,
  {
    files,
    others,
    indexed,
  }: { files: readonly CocoFile[]; others: readonly string[]; indexed: readonly IndexedCocoFile[] },
  losses: LossCounter,
  options: ReadOptions,
): Promise<void> {
  const listed = new Map<string, number>()
  const nameOf = (path: string) => partsOf(unescapePath(path)).at(-1) ?? ''
  for (const { fileNames, index } of indexed)
    for (const [at, path] of fileNames.entries())
      if (index.repeated?.[at] !== 1) listed.set(nameOf(path), (listed.get(nameOf(path)) ?? 0) + 1)
  const isRead = (path: string) => {
    const left = listed.get(nameOf(path)) ?? 0
    if (left > 0) listed.set(nameOf(path), left - 1)
    return left > 0
  }
  const own = new Set([...files.map(({ name }) => name), ...others])
  const listing = await listFiles(root, options)
  countSkipped(listing, losses)
  countOthers({
    dir: root,
    files: listing.files,
    isOwn: (path) => own.has(path) || SEGMENTS.test(path),
    isRead,
    losses,
  })
}

/** Images that belong to `panoptic_*.json`, and archives' folders of masks. */
const SEGMENTS = /(?:^|\/)(?:panoptic|stuff)_[^/]*\/[^/]+\.png$/i

/** The number of images over all files. */
function countCocoImages(shared: SharedCoco): number {
  return shared.files.reduce((sum, { index }) => sum + index.imageOffsets.length, 0)
}

function findTask(files: { hasKeypoints: boolean; hasPolygons: boolean; hasRotation: boolean }[]): TaskType {
  if (files.some(({ hasKeypoints }) => hasKeypoints)) return 'pose'
  if (files.some(({ hasRotation }) => hasRotation)) return 'obb'
  return files.some(({ hasPolygons }) => hasPolygons) ? 'segmentation' : 'detection'
}
