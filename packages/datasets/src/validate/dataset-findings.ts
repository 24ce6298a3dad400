/** Everything that can be wrong with a dataset. An error spoils a training, a warning can, an info does not. */
export const FINDINGS = {
  'image-missing': { severity: 'error', text: 'Images that the dataset lists do not exist' },
  'image-unreadable': { severity: 'error', text: 'Images are damaged, or are not images' },
  'image-truncated': {
    severity: 'error',
    text: 'Images are cut off: some loaders skip them, some fail or rewrite them in place',
  },
  'image-unusual': { severity: 'info', text: 'Images are not plain 8-bit grey or RGB' },
  'image-orphan': { severity: 'warning', text: 'Images in the folder are not part of the dataset' },
  'image-empty': { severity: 'info', text: 'Images have no object and count as background' },
  'size-mismatch': { severity: 'error', text: 'Images have another size than their annotations were drawn on' },
  'size-unknown': { severity: 'warning', text: 'The size of images is unknown' },
  'path-duplicate': { severity: 'error', text: 'Images are listed more than once' },
  'path-collision': {
    severity: 'warning',
    text: 'Images differ in case, Unicode form or extension only: formats with a file for each image confuse them',
  },
  'content-duplicate': { severity: 'warning', text: 'Images have the same bytes' },
  'content-leak': { severity: 'error', text: 'The same image is in several splits' },
  'similar-leak': {
    severity: 'error',
    text: 'Images that look the same (other size, quality, format or mirrored) are in several splits',
  },
  'similar-images': { severity: 'warning', text: 'Images look the same: other size, quality, format, or mirrored' },
  'similar-unchecked': { severity: 'info', text: 'Images that look the same were not searched' },
  'split-leak': { severity: 'error', text: 'The files put one image into several splits' },
  'group-leak': { severity: 'warning', text: 'Copies of one image are in several splits' },
  'box-outside': { severity: 'warning', text: 'Boxes extend beyond their image' },
  'box-invalid': { severity: 'error', text: 'Boxes have no area, or invalid numbers' },
  'polygon-outside': { severity: 'warning', text: 'Polygons extend beyond their image' },
  'polygon-degenerate': { severity: 'warning', text: 'Polygons have no area' },
  'mask-mismatch': { severity: 'error', text: 'Masks have another size than their image' },
  'keypoint-outside': { severity: 'warning', text: 'Keypoints are outside of their image' },
  'keypoint-count': { severity: 'error', text: 'Objects have another number of keypoints than their class' },
  'annotation-duplicate': { severity: 'warning', text: 'Objects occur twice, with the same class and geometry' },
  'class-unknown': { severity: 'error', text: 'Objects have a class that is not in the list' },
  'classes-missing': { severity: 'error', text: 'The dataset has no class' },
  'class-empty': { severity: 'warning', text: 'Classes have no object' },
  'class-name': { severity: 'warning', text: 'Names of classes are empty, or differ only in case and spaces' },
  'class-missing-in-split': { severity: 'warning', text: 'Classes have no object in train or val' },
  'split-empty': { severity: 'warning', text: 'Splits have no image' },
  'dataset-empty': { severity: 'error', text: 'The dataset has no image' },
  'lost-in-reading': { severity: 'warning', text: 'Parts of the files could not be read, or were changed' },
} as const satisfies Record<string, { severity: FindingSeverity; text: string }>

/** With an error, loaders fail or train on wrong data; a warning can change the result; an info does not. */
export type FindingSeverity = 'error' | 'warning' | 'info'
/** The codes of findings. */
export type DatasetFindingCode = keyof typeof FINDINGS

/** A problem or peculiarity of a dataset, with its first examples. */
export interface DatasetFinding {
  code: DatasetFindingCode
  severity: FindingSeverity
  text: string
  count: number
  /** The first five. */
  examples: string[]
}

const MAX_EXAMPLES = 5

export class FindingCollector {
  readonly #found = new Map<DatasetFindingCode, { count: number; examples: string[] }>()

  add(code: DatasetFindingCode, example: string | (() => string), count = 1): void {
    let found = this.#found.get(code)
    if (found === undefined) {
      found = { count: 0, examples: [] }
      this.#found.set(code, found)
    }
    found.count += count
    if (found.examples.length < MAX_EXAMPLES)
      found.examples.push((typeof example === 'string' ? example : example()).slice(0, 300))
  }

  /** The most severe first, then in the order of the table above. */
  list(): DatasetFinding[] {
    const codes = Object.keys(FINDINGS) as DatasetFindingCode[]
    const rank = { error: 0, warning: 1, info: 2 }
    return codes
      .flatMap((code) => {
        const found = this.#found.get(code)
        return found === undefined
          ? []
          : [{ code, ...FINDINGS[code], count: found.count, examples: [...found.examples] }]
      })
      .sort((a, b) => rank[a.severity] - rank[b.severity])
  }
}
