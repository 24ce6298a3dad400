import type { DatasetClassInfo } from './record.ts'

/** Sorts by code points, as Python sorts the names of folders. JavaScript sorts some letters after emoji. */
export function sortNames(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** Numbers classes in the order of their names. */
export function toClasses(names: Iterable<string>): DatasetClassInfo[] {
  return [...names].map((name, id) => ({ id, name }))
}

/** The name of a class that the files do not name. */
export function inventName(id: number): string {
  return `class_${id}`
}
