import type { DatasetClass, DatasetFormat, ImageObject, SplitName, TaskType } from '@trainyard/contract'
import type { Loss } from '@trainyard/datasets'

/** What a folder contains, before anything is stored. Paths are relative to the root of the dataset. */
export interface DatasetContent {
  format: DatasetFormat
  taskType: TaskType
  classes: DatasetClass[]
  images: DatasetImage[]
  annotationFiles: string[]
  /** An annotation file that was generated for images without annotations. */
  generatedFile?: string | undefined
  /** The number of annotations, without the markers of empty images. */
  annotations: number
  /** What was left out or changed, by reason. */
  losses: Loss[]
}

export interface DatasetImage {
  path: string
  split: SplitName
  /** Whether the dataset assigns the split; otherwise it follows from the hash of the path. */
  splitGiven: boolean
  /** The classes that occur in the image, each once. */
  classIds: number[]
  labelled: boolean
  /** In pixels, as shown; absent where it is not known. */
  size?: { width: number; height: number } | undefined
  /** What the pages draw. Absent where the dataset has too many objects to keep them. */
  objects?: ImageObject[] | undefined
}

/** A dataset in a folder of this machine. */
export interface UnpackedDataset {
  /** The folder that the paths of `files` are relative to. */
  dir: string
  /** Size in bytes by path. */
  files: ReadonlyMap<string, number>
}
