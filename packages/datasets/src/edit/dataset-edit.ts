import type { SplitName } from '@trainyard/contract'

/** Which images, classes and objects of a dataset to take, and under which names. Each part is optional. */
export interface DatasetEdit {
  /** New names of classes, by their present ones. Classes that get the same name become one class. Applied first. */
  rename?: Readonly<Record<string, string>> | undefined
  /** Only images and objects that fit. Applied to the renamed classes. */
  filter?: DatasetFilter | undefined
  /** Only some images of those that are left. Applied last. */
  sample?: DatasetSample | undefined
}

/** Which images and objects are taken. Everything that is given must fit. */
export interface DatasetFilter {
  /** Only objects of these classes. The other classes are removed from the list, which numbers the rest again. */
  classes?: readonly string[] | undefined
  /** No object of these classes. They are removed from the list too. */
  withoutClasses?: readonly string[] | undefined
  /** Only images of these splits. `unsplit` are images without one. */
  splits?: readonly (SplitName | 'unsplit')[] | undefined
  /** Only images at least this wide and high, in pixels. Images of unknown size are read. */
  minImageSide?: number | undefined
  /** Only objects whose box has at least this area, in square pixels. Objects without a box are kept. */
  minArea?: number | undefined
  /** Only objects whose box has at most this area, in square pixels. Objects without a box are kept. */
  maxArea?: number | undefined
  /** Only objects with these attributes; a value is compared as text. */
  attributes?: Readonly<Record<string, string>> | undefined
  /**
   * What happens to images of which no object is left: `keep` all, keep those without objects from the start
   * (`background`), or keep none (`drop`). Default `background`: without its objects, an image would teach a model that such
   * objects are background.
   */
  emptyImages?: 'keep' | 'background' | 'drop' | undefined
}

/** A sample of images. */
export interface DatasetSample {
  /** Number of images, at least 1. All of them where the dataset has fewer. */
  count: number
  /** Another seed takes other images. The same seed and a larger count keep all images of the smaller one. */
  seed?: string | undefined
}
