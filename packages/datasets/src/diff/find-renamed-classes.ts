import type { DatasetClassInfo } from '../record/record.ts'
import type { DatasetDiff, ImagePair } from './dataset-diff.ts'
import { matchObjects } from './match-objects.ts'

/** The share of the objects of a class that must have the new name. */
const SHARE = 0.9
/** Boxes of one object in both datasets. */
const OVERLAP = 0.9

/** Classes that are gone, and whose objects nearly all have one class that is new. */
export function findRenamedClasses(
  pairs: readonly ImagePair[],
  before: readonly DatasetClassInfo[],
  after: readonly DatasetClassInfo[],
): DatasetDiff['classes']['renamed'] {
  const [old, fresh] = [new Set(before.map(({ name }) => name)), new Set(after.map(({ name }) => name))]
  const gone = before.filter(({ name }) => !fresh.has(name))
  const isNew = (id: number) => after[id] !== undefined && !old.has(after[id].name)
  if (gone.length === 0 || !after.some(({ id }) => isNew(id))) return []
  const goneIds = new Set(gone.map(({ id }) => id))
  /** By the old class: how many of its objects have each class now. */
  const votes = new Map<number, Map<number, number>>()
  for (const [one, other] of pairs) {
    const candidates = one.annotations.filter(({ classId }) => goneIds.has(classId))
    if (candidates.length === 0) continue
    // Only the place of the objects counts here.
    const { matched } = matchObjects(candidates, other.annotations, { minOverlap: OVERLAP, isSameClass: () => true })
    for (const { before: from, after: to } of matched) {
      const own = votes.get(from.classId) ?? new Map<number, number>()
      own.set(to.classId, (own.get(to.classId) ?? 0) + 1)
      votes.set(from.classId, own)
    }
  }
  const taken = new Set<number>()
  return gone.flatMap(({ id, name }) => {
    const own = [...(votes.get(id) ?? [])].sort((a, b) => b[1] - a[1])
    const total = own.reduce((sum, [, count]) => sum + count, 0)
    const [to, objects] = own[0] ?? [-1, 0]
    const info = after[to]
    if (info === undefined || !isNew(to) || taken.has(to) || objects < total * SHARE) return []
    taken.add(to)
    return [{ from: name, to: info.name, objects }]
  })
}
