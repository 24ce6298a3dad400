import type { ImageRecord } from '../record/record.ts'

/**
 * What images of one group share: `roboflow` the picture that augmented copies were made of (`a_jpg.rf.<hash>.jpg`), an
 * expression what its first bracket (else all of it) matches in the path, `attribute` a field of the image's attributes
 * such as `metadata.patient`. Images without a group are one of their own.
 */
export type GroupBy = 'roboflow' | RegExp | { attribute: string } | ((image: ImageRecord) => string | undefined)

/** The group of an image: its own path where it has none. */
export function groupOf(image: ImageRecord, groupBy: GroupBy | undefined): string {
  const found = groupBy === undefined ? undefined : findGroup(image, groupBy)
  // A prefix keeps a group from being mistaken for an image of that name.
  return found === undefined ? image.path : `group:${found}`
}

function findGroup(image: ImageRecord, groupBy: GroupBy): string | undefined {
  if (typeof groupBy === 'function') return groupBy(image)
  if (groupBy === 'roboflow') return roboflowSource(image.path)
  if (groupBy instanceof RegExp) {
    const match = new RegExp(groupBy.source, groupBy.flags.replace(/[gy]/g, '')).exec(image.path)
    return match === null ? undefined : (match[1] ?? match[0])
  }
  let value: unknown = image.attributes
  for (const key of groupBy.attribute.split('.')) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

/** The name of the picture behind one of Roboflow's copies: `a_jpg` of `train/images/a_jpg.rf.0123….jpg`. */
export function roboflowSource(path: string): string | undefined {
  return /([^/]+)\.rf\.[0-9a-zA-Z]{20,64}\.[^./]+$/.exec(path)?.[1]
}
