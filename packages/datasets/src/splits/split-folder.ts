import type { SplitName } from '@trainyard/contract'

const SPLIT_FOLDERS: Readonly<Record<string, SplitName>> = {
  train: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
}

/** The split that a folder of this name holds, as the common tools name it. */
export function findSplitOfFolder(name: string): SplitName | undefined {
  return Object.hasOwn(SPLIT_FOLDERS, name) ? SPLIT_FOLDERS[name] : undefined
}
