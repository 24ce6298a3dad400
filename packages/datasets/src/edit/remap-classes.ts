import { isDeepStrictEqual } from 'node:util'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetClassInfo, DatasetReader } from '../record/record.ts'
import { findClass } from './find-class.ts'
import { withClasses } from './with-classes.ts'

/** The dataset with other names of classes. Those with the same name become one, at the place of the first. */
export function remapClasses(reader: DatasetReader, rename: Readonly<Record<string, string>>): DatasetReader {
  for (const [from, to] of Object.entries(rename)) {
    findClass(reader.classes, from)
    if (to.trim() === '') throw new DatasetError(`The new name of the class ${JSON.stringify(from)} is empty`)
  }
  const classes: DatasetClassInfo[] = []
  const newIds = new Map<number, number>()
  for (const info of reader.classes) {
    const name = Object.hasOwn(rename, info.name) ? (rename[info.name] ?? info.name) : info.name
    const same = classes.findIndex((other) => other.name === name)
    if (same === -1) {
      newIds.set(info.id, classes.push({ ...info, name }) - 1)
      continue
    }
    checkKeypoints(classes[same], info)
    newIds.set(info.id, same)
  }
  return withClasses(reader, classes, newIds)
}

/** Throws `DatasetError` unless the objects of both classes have the same keypoints. */
export function checkKeypoints(first: DatasetClassInfo | undefined, second: DatasetClassInfo): void {
  if (isDeepStrictEqual(first?.keypoints, second.keypoints)) return
  const list = (info: DatasetClassInfo | undefined) => info?.keypoints?.join(', ') ?? 'none'
  throw new DatasetError(
    `The classes ${JSON.stringify(first?.name)} and ${JSON.stringify(second.name)} have other keypoints ` +
      `(${list(first)}; ${list(second)}), so they cannot become one class`,
  )
}
