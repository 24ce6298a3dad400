import type { DatasetFormat, FieldIssue, SplitName, TaskType } from '@trainyard/contract'
import type { RunLengths } from '../geometry/rle.ts'
import type { LossCounter } from '../report/loss-counter.ts'

/** A class of a dataset. Its `id` is its place in the list: 0-based, without gaps, in display order. */
export interface DatasetClassInfo {
  id: number
  name: string
  color?: string | undefined
  supercategory?: string | undefined
  /** Names of the keypoints of an object of this class, in order. */
  keypoints?: string[] | undefined
  /** Pairs of 0-based keypoint numbers. */
  skeleton?: [from: number, to: number][] | undefined
  /** The mirror image of each keypoint; it undoes itself. */
  flipIndex?: number[] | undefined
  /** The id in the source file, where it is another one. */
  sourceId?: string | number | undefined
}

/** What is known of an object, from the least to the most. `other` is a shape that only its own format can hold. */
export type AnnotationKind = 'class' | 'box' | 'polygon' | 'mask' | 'keypoints' | 'obb' | 'other'

/** One object, or the class of the whole image. All coordinates are absolute pixels, 0-based, from the top-left corner. */
export interface Annotation {
  /** The richest geometry it carries; it may carry simpler ones beside it. */
  kind: AnnotationKind
  classId: number
  bbox?: [x: number, y: number, width: number, height: number] | undefined
  /** Flat rings `x, y, x, y, …`; several rings are parts of one object. */
  polygons?: number[][] | undefined
  rle?: RunLengths | undefined
  /** Flat `x, y, v`: 0 not labelled (then x and y are 0), 1 occluded, 2 visible. */
  keypoints?: number[] | undefined
  /** Four corners, clockwise from the top-left one: 8 numbers. */
  obb?: number[] | undefined
  isCrowd?: boolean | undefined
  /** Of the mask, in square pixels, as the source says. */
  area?: number | undefined
  id?: string | number | undefined
  /** What the source says of the object beside its geometry, and the geometry of kind `other`. */
  attributes?: Record<string, unknown> | undefined
}

/** One image of a dataset, whatever its format. */
export interface ImageRecord {
  /** Relative to the dataset's root, with `/` between its parts, spelled as in the source. */
  path: string
  /** Absolute path of the pixels, when they are there. */
  file?: string | undefined
  /** In pixels, as annotated, after EXIF rotation; 0 where the format does not say and the file was not looked at. */
  width: number
  height: number
  /** Absent when the dataset leaves it to whoever reads it. */
  split: SplitName | undefined
  /** Of the source. */
  id?: string | number | undefined
  annotations: Annotation[]
  /** Captions, who labelled it and the like: kept for formats that can hold them. */
  attributes?: Record<string, unknown> | undefined
  /** Where a file describes the image, for messages: `images[3]`. DICE only. */
  field?: string | undefined
}

/** A dataset as a stream of records. */
export interface DatasetReader {
  format: DatasetFormat
  taskType: TaskType
  name?: string | undefined
  classes: DatasetClassInfo[]
  /** What the source says of the whole dataset: its licences, its dates. Kept by its own format only. */
  attributes?: Record<string, unknown> | undefined
  /** Every image once. Memory stays flat where the format allows it. */
  images(): AsyncGenerator<ImageRecord>
  /** What reading dropped or changed; complete when `images()` has ended. */
  losses?: LossCounter | undefined
  /** For formats that several threads can read at once. */
  shared?: SharedDataset | undefined
  /** Closes the file and stops its threads; a reader without it holds nothing open. */
  close?(): Promise<void>
}

/** What a worker thread needs to open a dataset that is open already. Each format adds its own fields. */
export interface SharedHandle {
  readonly format: DatasetFormat
}

/** What a worker thread needs to read a part of a dataset without looking for it again. */
export interface SharedDataset {
  /** Sent to worker threads with `postMessage`; `openShared` makes a reader of it there. */
  handle: SharedHandle
  /** How many images there are. */
  images: number
  /** Their names in order, as far as they decide over the names in the result. */
  names(): Iterable<{ path: string; split: SplitName | undefined }>
  /** Splits by path that win over the dataset's own. */
  splits?: ReadonlyMap<string, SplitName> | undefined
}

/** How a dataset is read. */
export interface ReadOptions {
  /** The task, where a format cannot tell (YOLO's OBB rows look like polygons). Default: what the files say. */
  task?: TaskType | undefined
  /** Pascal VOC with its devkit's 1-based inclusive corners. Default false: 0-based. */
  vocOneBased?: boolean | undefined
  /** False lets a reader pass over polygons and masks of objects that have a box (they are counted). Default true. */
  outlines?: boolean | undefined
  /** What messages call the dataset. Default: its folder in quotes. */
  name?: string | undefined
  /**
   * Called for each mistake in an image or annotation; the reader leaves it out and reads on. Also called for what is
   * otherwise left out and counted: an invalid box, an image in no class folder. Default: the first mistake is thrown.
   * Readers other than DICE and ImageFolder ignore it.
   */
  onIssue?: ((issue: FieldIssue) => void) | undefined
  signal?: AbortSignal | undefined
}

/** `formats/<format>/read.ts` exports one: it throws `DatasetError` for a dataset that cannot be read at all. */
export type ReadDataset = (dir: string, options?: ReadOptions) => Promise<DatasetReader>
