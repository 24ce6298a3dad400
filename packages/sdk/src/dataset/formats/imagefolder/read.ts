import { readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { SplitName } from '../../../contract/index.ts'
import { DatasetError } from '../../../errors.ts'
import type { DatasetReader, ImageRecord } from '../../record.ts'

const IMAGE_NAME = /\.(png|jpe?g|gif|bmp|webp|tiff?)$/i
const SPLIT_FOLDERS: Readonly<Record<string, SplitName>> = {
  train: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
}

/** Opens `{split}/{class}/{image}` or `{class}/{image}`. Classes are the folders' names in order, as torchvision has them. */
export async function readImageFolder(dir: string): Promise<DatasetReader> {
  const top = await listFolders(dir)
  const splits = top.filter((name) => name in SPLIT_FOLDERS)
  const roots: { path: string; split: SplitName | undefined }[] =
    splits.length > 0
      ? splits.map((name) => ({ path: name, split: SPLIT_FOLDERS[name] }))
      : [{ path: '', split: undefined }]
  const names = new Set<string>()
  for (const root of roots) for (const name of await listFolders(join(dir, root.path))) names.add(name)
  const classNames = [...names].sort()
  if (classNames.length === 0) {
    throw new DatasetError('The dataset has no classes: wanted are folders {split}/{class} or {class} with images')
  }

  const records: ImageRecord[] = []
  for (const root of roots) {
    for (const [classId, className] of classNames.entries()) {
      const folder = posix.join(root.path, className)
      const files = await readdir(join(dir, folder)).catch((): string[] => [])
      for (const file of files.filter((name) => IMAGE_NAME.test(name)).sort()) {
        const annotations = [{ kind: 'class' as const, classId }]
        const path = posix.join(folder, file)
        records.push({ path, file: join(dir, path), width: 0, height: 0, split: root.split, annotations })
      }
    }
  }
  if (records.length === 0)
    throw new DatasetError(`The dataset has no images in its ${classNames.length} class folders`)
  return {
    format: 'imagefolder',
    taskType: 'classification',
    classes: classNames.map((name, id) => ({ id, name })),
    async *images() {
      yield* records
    },
  }
}

async function listFolders(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
}
