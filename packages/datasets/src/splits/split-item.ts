import type { SplitName } from '@trainyard/contract'

/** The share of each split. They add up to 1. */
export type SplitRatios = Readonly<Record<SplitName, number>>

/** One image, or all images of a group, which stay together. */
export interface SplitItem {
  /** Its hash decides: the same key gives the same split. */
  key: string
  /** Number of images. */
  size: number
  /** The number of its images with each class. */
  labels: ReadonlyMap<number, number>
}

/** An image that has a split already. */
export interface TakenSplit {
  split: SplitName
  labels: ReadonlyMap<number, number>
}
