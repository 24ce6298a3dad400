import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { extname, join, posix } from 'node:path'
import type { DatasetClass, SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { foldPath } from '../../files/fold-path.ts'
import type { DatasetIndex } from '../../indexing/index-dataset.ts'
import { sortNames } from '../../record/classes.ts'
import type { ImageRecord } from '../../record/record.ts'
import { forEachConcurrently } from '../../util/for-each-concurrently.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { nameClasses } from '../../writing/name-classes.ts'
import { createOutputNames, portableName } from '../../writing/output-names.ts'

/** Options of {@link writeImageFolder}. */
export interface WriteImageFolderOptions {
  signal?: AbortSignal | undefined
}

/**
 * Writes `{split}/{class}/{image}` for every labelled image. Images are copied (as reflinks where the file system supports
 * them), never linked, so that a program that changes the result does not change the source. The folder is renamed into
 * place when it is complete.
 */
export async function writeImageFolder(
  index: DatasetIndex,
  targetDir: string,
  { signal }: WriteImageFolderOptions = {},
): Promise<void> {
  const folders = new Map(index.classes.map((item) => [item.id, folderName(item)]))
  if (new Set(folders.values()).size !== folders.size) {
    throw new DatasetError('Two classes have the same name; expected unique names, one folder for each class')
  }
  const temporary = `${targetDir}.partial`
  await rm(temporary, { recursive: true, force: true })
  const labelled = index.samples.filter((sample) => folders.has(sample.classId))
  for (const split of new Set(labelled.map((sample) => sample.split))) {
    // Every class in every split, also empty ones: loaders number the classes by the folders.
    for (const folder of folders.values()) await mkdir(join(temporary, split, folder), { recursive: true })
  }
  const taken = new Set<string>()
  const copies = labelled.map((sample) => {
    const folder = join(temporary, sample.split, folders.get(sample.classId) ?? '')
    return { from: sample.path, to: uniqueName(folder, sample.name, taken) }
  })
  await forEachConcurrently(copies, 16, async ({ from, to }) => {
    signal?.throwIfAborted()
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    // Files of the cache are read-only, and so are their copies.
    await chmod(to, 0o644)
  })
  await rm(targetDir, { recursive: true, force: true })
  await rename(temporary, targetDir)
}

function folderName({ id, name }: DatasetClass): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a class named with control characters must not name a folder
  if (name === '' || name === '.' || name === '..' || /[\\/\u0000-\u001f\u007f]/.test(name)) {
    throw new DatasetError(
      `The name of class ${id} is ${JSON.stringify(name)}; expected the name of a folder, without slashes and control characters`,
    )
  }
  return name
}

/** Keeps `a/1.png` and `b/1.png` of one class apart: the second becomes `b__1.png`. */
function uniqueName(folder: string, path: string, taken: Set<string>): string {
  const parts = path.split('/')
  for (let depth = 1; depth <= parts.length; depth++) {
    const candidate = join(folder, parts.slice(-depth).join('__'))
    if (!taken.has(candidate)) {
      taken.add(candidate)
      return candidate
    }
  }
  const extension = extname(path)
  for (let count = 2; ; count++) {
    const candidate = join(folder, `${parts.join('__').slice(0, -extension.length || undefined)}-${count}${extension}`)
    if (!taken.has(candidate)) {
      taken.add(candidate)
      return candidate
    }
  }
}

/** Writes `{split}/{class}/{image}`, or `{class}/{image}` without a split. An image has one class; others are counted as lost. */
export function createImageFolderWriter(context: WriteContext): DatasetWriter {
  const { target, report, dataset } = context
  const names = nameClasses(context, portableName, foldPath)
  const outputNames = createOutputNames()
  const roots = new Set<SplitName | undefined>()
  const order = sortNames(names)
  for (const { id, name, color, supercategory, keypoints } of dataset.classes) {
    const position = order.indexOf(names[id] ?? '')
    if (position !== id) report.lose('class-reordered', `${JSON.stringify(name)}: ${id} became ${position}`)
    if (color ?? supercategory ?? keypoints) report.lose('class-details-dropped', name)
  }

  return {
    async image(record) {
      const classId = chooseClass(record)
      const folder = classId === undefined ? undefined : names[classId]
      if (classId === undefined || folder === undefined) return report.lose('image-unlabelled', record.path)
      roots.add(record.split)
      const classFolder = posix.join(record.split ?? '', folder)
      const path = outputNames.next(withoutFolder(record.path, dataset.classes[classId]?.name ?? ''), classFolder)
      await copyImage(record, join(target, classFolder, path), context)
      if (record.attributes !== undefined) report.lose('image-attributes-dropped', record.path)
      report.wrote(record.split, [classId])
    },
    async finish() {
      // Every class in every split, also empty ones: loaders number the classes by the folders.
      for (const split of roots)
        for (const name of names) await mkdir(join(target, split ?? '', name), { recursive: true })
    },
  }

  function chooseClass({ annotations, path }: ImageRecord): number | undefined {
    const [first, ...others] = annotations
    for (const { classId, kind, id, attributes } of annotations) {
      if (kind !== 'class') report.lose('box-dropped', `${path}: ${kind}`)
      if (id !== undefined) report.lose('annotation-id-dropped', path)
      if (attributes !== undefined) report.lose('annotation-attributes-dropped', path)
      if (classId !== first?.classId) report.lose('extra-label-dropped', `${path}: ${dataset.classes[classId]?.name}`)
    }
    const repeated = others.filter(({ classId }) => classId === first?.classId).length
    report.lose('annotation-duplicate', path, repeated)
    return first?.classId
  }
}

/** `cat/1.png` and `train/cat/1.png` of the class `cat` become `1.png` in its folder. */
function withoutFolder(path: string, className: string): string {
  const parts = path.split('/')
  const at = parts.indexOf(className)
  return at !== -1 && at <= 1 && at < parts.length - 1 ? parts.slice(at + 1).join('/') : path
}
