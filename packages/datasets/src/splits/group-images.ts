import type { ImageRecord } from '../record/record.ts'

/**
 * How images are grouped:
 *
 * - `roboflow`: by the original of augmented copies (`a_jpg.rf.<hash>.jpg`)
 * - an expression: by what its first group, or all of it, matches in the path
 * - `attribute`: by a field of the image's attributes, such as `metadata.patient`
 * - a function: by what it returns
 *
 * An image without a group is a group of its own.
 */
export type GroupBy = 'roboflow' | RegExp | { attribute: string } | ((image: ImageRecord) => string | undefined)

/** The group of an image. Without one, the path of the image. */
export function groupOf(image: ImageRecord, groupBy: GroupBy | undefined): string {
  const found = groupBy === undefined ? undefined : findGroup(image, groupBy)
  // The prefix distinguishes a group from an image with the same name.
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

/** The original of a copy that Roboflow made: `a_jpg` for `train/images/a_jpg.rf.0123….jpg`. */
export function roboflowSource(path: string): string | undefined {
  return /([^/]+)\.rf\.[0-9a-zA-Z]{20,64}\.[^./]+$/.exec(path)?.[1]
}
