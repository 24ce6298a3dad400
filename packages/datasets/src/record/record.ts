import type { DatasetFormat, FieldIssue, SplitName, TaskType } from '@trainyard/contract'
import type { RunLengths } from '../geometry/rle.ts'
import type { LossCounter } from '../report/loss-counter.ts'

/** A class of a dataset. Its `id` is its position in the list: 0-based, without gaps, in display order. */
export interface DatasetClassInfo {
  id: number
  name: string
  color?: string | undefined
  supercategory?: string | undefined
  /** Names of the keypoints of an object of this class, in order. */
  keypoints?: string[] | undefined
  /** Pairs of 0-based keypoint numbers. */
  skeleton?: [from: number, to: number][] | undefined
  /** The mirror image of each keypoint: a permutation that is its own inverse. */
  flipIndex?: number[] | undefined
  /** The id in the source file, where it differs. */
  sourceId?: string | number | undefined
}

/** The geometry of an object, from the simplest to the richest. `other` is a shape that only its own format can hold. */
export type AnnotationKind = 'class' | 'box' | 'polygon' | 'mask' | 'keypoints' | 'obb' | 'other'

/** One object, or the class of the whole image. All coordinates are absolute pixels, 0-based, from the top-left corner. */
export interface Annotation {
  /** The richest geometry of the object. It can have simpler ones too. */
  kind: AnnotationKind
  classId: number
  bbox?: [x: number, y: number, width: number, height: number] | undefined
  /** Flat rings `x, y, x, y, …`. Several rings are parts of one object. */
  polygons?: number[][] | undefined
  rle?: RunLengths | undefined
  /** Flat `x, y, v`: 0 not labelled (then x and y are 0), 1 occluded, 2 visible. */
  keypoints?: number[] | undefined
  /** Four corners, clockwise from the top-left one: 8 numbers. */
  obb?: number[] | undefined
  /** The box before it was turned by its attribute `rotation`, as CVAT writes rotated boxes into COCO. */
  unrotatedBox?: [x: number, y: number, width: number, height: number] | undefined
  /** The number or name by which LabelMe groups the shapes of this object. */
  group?: string | number | undefined
  isCrowd?: boolean | undefined
  /** Area of the mask in square pixels, as the source gives it. */
  area?: number | undefined
  id?: string | number | undefined
  /** Other facts about the object in the source, and the geometry of the kind `other`. */
  attributes?: Record<string, unknown> | undefined
}

/** One image of a dataset in any format. */
export interface ImageRecord {
  /** Relative to the dataset, with `/` between its parts, spelled as in the source. */
  path: string
  /** Absolute path of the image file. Undefined when it does not exist. */
  file?: string | undefined
  /** In pixels, as annotated, after EXIF rotation. 0 when the format has no size and the file was not read. */
  width: number
  height: number
  /** Undefined when the dataset puts the image in no split. */
  split: SplitName | undefined
  /** The id in the source. */
  id?: string | number | undefined
  annotations: Annotation[]
  /** Captions, authors and other facts, for formats that can hold them. */
  attributes?: Record<string, unknown> | undefined
  /** Where the annotation file describes the image, for messages: `images[3]`. DICE only. */
  field?: string | undefined
}

/** A dataset as a stream of records. */
export interface DatasetReader {
  format: DatasetFormat
  taskType: TaskType
  name?: string | undefined
  classes: DatasetClassInfo[]
  /** Facts about the whole dataset, such as licences and dates. Only the format of the source keeps them. */
  attributes?: Record<string, unknown> | undefined
  /** Every image once. Memory does not grow with the dataset where the format allows it. */
  images(): AsyncGenerator<ImageRecord>
  /** What the reader dropped or changed. Complete when `images()` has ended. */
  losses?: LossCounter | undefined
  /** Whether a file of the dataset is a part of its annotations, also an image: a mask. Default: by the suffixes of the format. */
  isAnnotationFile?: ((path: string) => boolean) | undefined
  /** For formats that several threads can read at the same time. */
  shared?: SharedDataset | undefined
  /** Removes temporary files. A reader without this method needs no cleaning up. */
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
  /** Number of images. */
  images: number
  /** The paths and splits of the images in order: they determine the names in the result. */
  names(): Iterable<{ path: string; split: SplitName | undefined }>
  /** Splits by path, instead of those of the dataset. */
  splits?: ReadonlyMap<string, SplitName> | undefined
}

/** How a dataset is read. */
export interface ReadOptions {
  /** The task, for formats that do not name it (rotated boxes of YOLO look like polygons). Default: detected from the files. */
  task?: TaskType | undefined
  /** Corners of Pascal VOC are 1-based and inclusive, as in the devkit. Default false: 0-based. */
  vocOneBased?: boolean | undefined
  /** False lets a reader skip the polygons and masks of objects with a box. They are counted as lost. Default true. */
  outlines?: boolean | undefined
  /** Name of the dataset in messages. Default: its folder in quotes. */
  name?: string | undefined
  /**
   * Called for each mistake in an image or annotation; the reader skips it and continues. Also called for mistakes that are
   * otherwise skipped and counted: an invalid box, an image in no class folder. Default: the first mistake is thrown.
   * Readers other than DICE and ImageFolder ignore it.
   */
  onIssue?: ((issue: FieldIssue) => void) | undefined
  /**
   * Follows symbolic links to files and folders that lie inside of this folder, such as the cache of DVC. Default: links out of
   * the dataset are counted and not followed, because a downloaded dataset must not reach other files.
   */
  followLinks?: string | undefined
  signal?: AbortSignal | undefined
}

/** The reader of a format, in `formats/<format>/read.ts`. Throws `DatasetError` for a dataset that cannot be read at all. */
export type ReadDataset = (dir: string, options?: ReadOptions) => Promise<DatasetReader>
