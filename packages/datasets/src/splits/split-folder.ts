import type { SplitName } from '@trainyard/contract'

/** The names that common tools give the folder of each split, in lower case. */
export const SPLIT_FOLDERS: Readonly<Record<SplitName, readonly string[]>> = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation', 'dev', 'eval'],
  test: ['test', 'testing'],
}

const SPLIT_BY_NAME = new Map(
  (['train', 'val', 'test'] as const).flatMap((split) => SPLIT_FOLDERS[split].map((name) => [name, split] as const)),
)

/**
 * The split that one word of a name names: `training_set`, `TrainSet`, `testdata`, `train2017`, `instances_val.json`. Undefined for
 * none, and for two.
 */
export function findSplitInWords(name: string): SplitName | undefined {
  const found = new Set<SplitName>()
  for (const word of name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/)) {
    const split = findSplitOfFolder(word) ?? findSplitOfFolder(word.replace(/(?:set|data|images?|imgs?)$/i, ''))
    if (split !== undefined) found.add(split)
  }
  const [split, ...others] = found
  return others.length === 0 ? split : undefined
}

/** The split that a folder of this name holds, in any case; undefined for any other name. */
export function findSplitOfFolder(name: string): SplitName | undefined {
  return SPLIT_BY_NAME.get(name.toLowerCase())
}
