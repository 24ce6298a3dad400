import type { SplitName } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import { type DatasetContent, type DatasetImage, isImagePath, type UnpackedDataset } from './dataset-content.ts'
import { createIssueList } from './issue-list.ts'

/** How the folders of the parts are called, here and in the wild. */
const SPLIT_FOLDERS: Readonly<Record<string, SplitName>> = {
  train: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
}

export function isSplitFolder(name: string): boolean {
  return Object.hasOwn(SPLIT_FOLDERS, name)
}

/** Whether there is at least one image where ImageFolder has them: `train/<class>/<image>`. */
export function looksLikeImageFolder(dataset: UnpackedDataset): boolean {
  for (const path of dataset.files.keys()) {
    const parts = path.split('/')
    if (parts.length === 3 && isSplitFolder(parts[0] ?? '') && isImagePath(path)) return true
  }
  return false
}

/** Reads a tree of `train|val|test/<class>/<image>`: the folder is the label. */
export function readImageFolder(dataset: UnpackedDataset): DatasetContent {
  const issues = createIssueList()
  const images: DatasetImage[] = []
  const names = new Set<string>()
  const classNames: string[] = []
  for (const path of dataset.files.keys()) {
    if (!isImagePath(path)) continue
    const [first = '', className = '', ...rest] = path.split('/')
    const split = isSplitFolder(first) ? SPLIT_FOLDERS[first] : undefined
    if (split === undefined || rest.length !== 1) {
      issues.add(path, 'must lie in train/<class>/, val/<class>/ or test/<class>/')
      continue
    }
    names.add(className)
    images.push({ path, split, splitGiven: true, classIds: [], labelled: true })
    classNames.push(className)
  }
  issues.throwIfAny('The archive mixes ImageFolder with something else')
  if (images.length === 0) throw new TrainyardError('unprocessable', 'The dataset has no images')
  // Sorted by code unit, over all parts: the same list for train and val, whatever the locale.
  const classes = [...names].sort((a, b) => (a < b ? -1 : 1)).map((name, id) => ({ id, name }))
  const ids = new Map(classes.map(({ id, name }) => [name, id]))
  for (const [index, image] of images.entries()) image.classIds = [ids.get(classNames[index] ?? '') ?? -1]
  return {
    format: 'imagefolder',
    taskType: 'classification',
    classes,
    images,
    annotationFiles: [],
    annotations: images.length,
  }
}
