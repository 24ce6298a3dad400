import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { NotCocoError } from '../../errors.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { findCocoFiles } from './find-coco-files.ts'
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
  const { root, files } = await findCocoFiles(dir, options)
  if (files.length === 0) {
    throw new DatasetError(`No COCO annotations in ${name}: expected a .json file there or in "annotations"`, {
      reason: 'no-annotations',
    })
  }
  const losses = new LossCounter()
  const indexed: IndexedCocoFile[] = []
  for (const file of files) {
    try {
      indexed.push(await indexCocoFile(file, signal))
    } catch (error) {
      if (!(error instanceof NotCocoError)) throw error
      losses.add('file-ignored', error.message)
    }
  }
  if (indexed.length === 0) {
    const seen = losses.list().flatMap(({ examples }) => examples)
    throw new DatasetError(`No COCO annotations in ${name}: ${seen.join('; ')}`, { reason: 'no-annotations' })
  }
  for (const file of indexed) losses.merge(file.losses.list())
  if (indexed.length > 1) markRepeated(root, indexed, losses, followLinks)
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

/** The number of images over all files. */
function countCocoImages(shared: SharedCoco): number {
  return shared.files.reduce((sum, { index }) => sum + index.imageOffsets.length, 0)
}

function findTask(files: { hasKeypoints: boolean; hasPolygons: boolean; hasRotation: boolean }[]): TaskType {
  if (files.some(({ hasKeypoints }) => hasKeypoints)) return 'pose'
  if (files.some(({ hasRotation }) => hasRotation)) return 'obb'
  return files.some(({ hasPolygons }) => hasPolygons) ? 'segmentation' : 'detection'
}
