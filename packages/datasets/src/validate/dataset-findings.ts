/** What can be wrong with a dataset, and how bad it is: an error spoils a training, a warning may, information does not. */
export const FINDINGS = {
  'image-missing': { severity: 'error', text: 'Images that the dataset names are not there' },
  'image-unreadable': { severity: 'error', text: 'Images are damaged, or are no images' },
  'image-truncated': {
    severity: 'warning',
    text: 'Images are cut off: some loaders skip them, some rewrite them in place',
  },
  'image-unusual': { severity: 'info', text: 'Images are not plain 8-bit grey or RGB' },
  'image-orphan': { severity: 'warning', text: 'Images lie in the folder that the dataset does not name' },
  'image-empty': { severity: 'info', text: 'Images show no object: they count as background' },
  'size-mismatch': { severity: 'error', text: 'Images have another size than the one their objects were drawn on' },
  'size-unknown': { severity: 'warning', text: 'The size of images is not known' },
  'path-duplicate': { severity: 'error', text: 'Images are named more than once' },
  'path-collision': {
    severity: 'warning',
    text: 'Images differ in case, Unicode form or extension only: formats with a file an image mix them up',
  },
  'content-duplicate': { severity: 'warning', text: 'Images are the same, byte by byte' },
  'content-leak': { severity: 'error', text: 'The same image lies in several splits' },
  'group-leak': { severity: 'warning', text: 'Copies of one picture lie in several splits' },
  'box-outside': { severity: 'warning', text: 'Boxes reach out of their image' },
  'box-invalid': { severity: 'error', text: 'Boxes have no area, or numbers that are none' },
  'polygon-outside': { severity: 'warning', text: 'Polygons reach out of their image' },
  'polygon-degenerate': { severity: 'warning', text: 'Polygons have no area' },
  'mask-mismatch': { severity: 'error', text: 'Masks have another size than their image' },
  'keypoint-outside': { severity: 'warning', text: 'Keypoints lie outside their image' },
  'keypoint-count': { severity: 'error', text: 'Objects have another number of keypoints than their class' },
  'annotation-duplicate': { severity: 'warning', text: 'Objects are there twice: same class, same geometry' },
  'class-unknown': { severity: 'error', text: 'Objects have a class that is not in the list' },
  'class-empty': { severity: 'warning', text: 'Classes have no object' },
  'class-name': { severity: 'warning', text: 'Names of classes are empty, or the same but for case and blanks' },
  'class-missing-in-split': { severity: 'warning', text: 'Classes have no object in train or val' },
  'split-empty': { severity: 'warning', text: 'Splits have no image' },
  'dataset-empty': { severity: 'error', text: 'The dataset has no image' },
  'lost-in-reading': { severity: 'warning', text: 'What the files hold could not be read, or was changed' },
} as const satisfies Record<string, { severity: FindingSeverity; text: string }>

/** An error keeps loaders from reading the dataset, a warning changes what is learned, an info is only said. */
export type FindingSeverity = 'error' | 'warning' | 'info'
/** Names of findings; docs/datasets.md lists them. */
export type DatasetFindingCode = keyof typeof FINDINGS

/** Something about a dataset that a person should know. */
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

  /** The worst first, and in the order of the table above. */
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
