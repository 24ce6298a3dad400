import type { DatasetClassInfo } from './record.ts'

/** In the order of their code points, as Python sorts names of folders; JavaScript would put emoji before some letters. */
export function sortNames(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** Classes in the order of their names: a dataset without a list has no other order that stays. */
export function toClasses(names: Iterable<string>): DatasetClassInfo[] {
  return [...names].map((name, id) => ({ id, name }))
}
