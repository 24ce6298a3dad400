/** Everything that a conversion can lose, skip or change. The list is closed: new reasons are added here. */
export type LossReason =
  // Whole images
  | 'image-missing-file'
  | 'image-unreadable'
  /** The end of the file is missing. */
  | 'image-truncated'
  /** The annotations were drawn on an image of another size. */
  | 'image-size-mismatch'
  /** An entry of an annotation file that names no image, or has wrong fields. */
  | 'image-invalid'
  | 'image-duplicate'
  /** It is read in the split that must not leak: test before val before train. */
  | 'image-in-several-splits'
  | 'image-renamed'
  | 'image-size-unknown'
  | 'image-unsafe-path'
  | 'image-unlabelled'
  /** A loader of the target format skips the image because of its suffix or its size. */
  | 'image-not-loadable'
  | 'image-attributes-dropped'
  | 'split-changed'
  | 'split-missing'
  /** The path in the annotations does not exist; the one file whose path has the same end was taken. */
  | 'image-path-guessed'
  // Files and folders
  /** A hidden folder, or one of an operating system. */
  | 'folder-ignored'
  /** A file that is neither an image nor a part of the annotations. */
  | 'file-ignored'
  /** A line of a list of images that names no image. */
  | 'list-line-unmatched'
  // Label files
  | 'image-without-label'
  | 'label-without-image'
  /** `a.jpg` is listed, `a.JPG` exists. */
  | 'file-name-case'
  | 'label-file-invalid'
  | 'label-rows-mixed'
  | 'download-ignored'
  | 'dataset-attributes-dropped'
  | 'id-changed'
  // Whole annotations
  | 'annotation-of-missing-image'
  | 'annotation-of-unknown-class'
  | 'annotation-invalid'
  | 'annotation-duplicate'
  /** Shapes that the source groups are one object. */
  | 'annotation-merged'
  | 'annotation-outside-image'
  | 'annotation-too-small'
  | 'annotation-kind-not-supported'
  | 'crowd-skipped'
  /** Marked as `difficult` or `ignore`, and skipped by choice. */
  | 'ignored-skipped'
  | 'extra-label-dropped'
  | 'annotation-id-dropped'
  | 'annotation-attributes-dropped'
  | 'area-dropped'
  // Geometry
  | 'box-clipped'
  | 'box-derived'
  | 'box-dropped'
  | 'box-replaced-by-polygon'
  | 'polygon-clipped'
  | 'polygon-dropped'
  | 'polygon-from-box'
  | 'polygon-from-mask'
  | 'polygon-from-circle'
  | 'polygon-bridged'
  | 'polygon-split'
  | 'polygon-part-dropped'
  | 'polygon-degenerate'
  | 'hole-bridged'
  | 'hole-dropped'
  | 'mask-dropped'
  | 'mask-size-mismatch'
  | 'mask-from-polygon'
  /** A pixel belongs to one object only: the smaller one keeps it. */
  | 'overlap-flattened'
  /** A mask of bytes holds 254 objects. */
  | 'object-beyond-limit'
  | 'keypoints-dropped'
  | 'keypoints-padded'
  | 'keypoint-outside-image'
  | 'rotation-dropped'
  | 'obb-clipped'
  | 'obb-refitted'
  | 'rounded'
  // Classes
  /** A class without a name in the files: it is called `class_0`. */
  | 'class-name-invented'
  /** The skeleton counts its keypoints from 0; COCO counts from 1. */
  | 'skeleton-renumbered'
  | 'class-renamed'
  | 'class-renumbered'
  | 'class-dropped'
  | 'class-reordered'
  | 'class-details-dropped'
  | 'flip-index-omitted'

/** What was lost or changed for one reason: the count and the first examples. */
export interface Loss {
  reason: LossReason
  count: number
  /** The first five, each with its image or file. */
  examples: string[]
}

const MAX_EXAMPLES = 5

/** Counts losses by reason, with the first examples. */
export class LossCounter {
  readonly #losses = new Map<LossReason, { count: number; examples: string[] }>()

  /** `example` can be a function, which is only called when the example is kept. */
  add(reason: LossReason, example: string | (() => string), count = 1): void {
    if (count <= 0) return
    let loss = this.#losses.get(reason)
    if (loss === undefined) {
      loss = { count: 0, examples: [] }
      this.#losses.set(reason, loss)
    }
    loss.count += count
    if (loss.examples.length < MAX_EXAMPLES) {
      loss.examples.push((typeof example === 'string' ? example : example()).slice(0, 300))
    }
  }

  /** Adds the losses of another counter, such as that of a thread. */
  merge(losses: Iterable<Loss>): void {
    for (const { reason, count, examples } of losses) {
      const known = this.#losses.get(reason) ?? { count: 0, examples: [] }
      this.#losses.set(reason, {
        count: known.count + count,
        examples: [...known.examples, ...examples].slice(0, MAX_EXAMPLES),
      })
    }
  }

  /** The number of losses for a reason. */
  count(reason: LossReason): number {
    return this.#losses.get(reason)?.count ?? 0
  }

  /** Sorted by reason, so that the same input gives the same text. */
  list(): Loss[] {
    return [...this.#losses]
      .map(([reason, { count, examples }]) => ({ reason, count, examples: [...examples] }))
      .sort((a, b) => (a.reason < b.reason ? -1 : 1))
  }
}
