import type { DatasetClass, DatasetFormat, SplitName, TaskType } from '@trainyard/contract'

/** What a folder turned out to hold, before anything is stored. Paths are relative to the dataset's root. */
export interface DatasetContent {
  format: DatasetFormat
  taskType: TaskType
  classes: DatasetClass[]
  images: DatasetImage[]
  annotationFiles: string[]
  /** An annotation file that the dataset did not have: it was made from the images alone. */
  generatedFile?: string
  /** Annotations in all, without markers of empty images. */
  annotations: number
}

export interface DatasetImage {
  path: string
  split: SplitName
  /** Whether the dataset says so itself; else the hash of the path did. */
  splitGiven: boolean
  /** Classes that it shows, each once. */
  classIds: number[]
  labelled: boolean
  /** The size that the annotations state, where they state one, and the field that says so. */
  declared?: { width: number; height: number; field: string } | undefined
}

/** A dataset that lies unpacked on disk. */
export interface UnpackedDataset {
  /** Folder that `path` is relative to. */
  dir: string
  /** Size by path. */
  files: ReadonlyMap<string, number>
}
