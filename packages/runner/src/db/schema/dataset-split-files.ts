import type { SplitName } from '@trainyard/contract'

/** The split of one image in a split that a job asked for. */
export interface DatasetSplitFilesTable {
  split_id: string
  path: string
  split: SplitName
}
