import { type SplitName, SplitName as SplitNames } from '@trainyard/contract'
import type { SplitItem, SplitRatios, TakenSplit } from './split-item.ts'

const SPLITS = SplitNames.options
/** Below three images a class cannot have one in train and one in val, and any to spare. */
const MIN_FOR_VAL = 3

/** An item with its place among all hashes, from 0 up to 1, and the split at that place. */
export interface PlacedItem {
  item: SplitItem
  position: number
  split: SplitName
}

/**
 * Splits by the hash of each item, as without stratification, and then corrects only what chance does not explain: a class
 * with fewer images in a split than three standard deviations below its share, and one without any image in train, or in val
 * (from three images on). It takes the item whose hash is nearest to the split. So a new image moves no other one, except
 * where a class is that rare, and the share of each class is as exact as that of an independent draw.
 */
export function stratifyStably(
  items: readonly PlacedItem[],
  { ratios, taken = [] }: { ratios: SplitRatios; taken?: readonly TakenSplit[] | undefined },
): Map<string, SplitName> {
  const splits = new Map(items.map(({ item, split }) => [item.key, split]))
  const counts = new Map<number, Record<SplitName, number>>()
  const count = (label: number, split: SplitName, by: number) => {
    const own = counts.get(label) ?? { train: 0, val: 0, test: 0 }
    own[split] += by
    counts.set(label, own)
  }
  const holders = new Map<number, PlacedItem[]>()
  for (const placed of items) {
    for (const [label, images] of placed.item.labels) {
      count(label, placed.split, images)
      holders.set(label, [...(holders.get(label) ?? []), placed])
    }
  }
  for (const { split, labels } of taken) for (const [label, images] of labels) count(label, split, images)
  const total = (label: number) => SPLITS.reduce((sum, split) => sum + (counts.get(label)?.[split] ?? 0), 0)
  const rarestFirst = [...holders.keys()].sort((a, b) => total(a) - total(b) || a - b)
  for (const label of rarestFirst) {
    const own = counts.get(label)
    if (own === undefined) continue
    for (const split of SPLITS) {
      const least = leastImages(split, total(label), ratios[split])
      while (own[split] < least) {
        const moved = nearest(holders.get(label) ?? [], split, { splits, own, ratios })
        if (moved === undefined) break
        const from = splits.get(moved.item.key) ?? moved.split
        splits.set(moved.item.key, split)
        for (const [other, images] of moved.item.labels) {
          count(other, from, -images)
          count(other, split, images)
        }
      }
    }
  }
  return splits
}

/** The fewest images of a class that a split can have. */
function leastImages(split: SplitName, total: number, ratio: number): number {
  if (ratio <= 0) return 0
  const byChance = Math.ceil(total * ratio - 3 * Math.sqrt(total * ratio * (1 - ratio)))
  const present = split === 'train' ? 1 : split === 'val' && total >= MIN_FOR_VAL ? 1 : 0
  return Math.max(byChance, present)
}

/** The item of another split whose place is nearest to those of `split`. Train does not give its last image. */
function nearest(
  holders: readonly PlacedItem[],
  split: SplitName,
  {
    splits,
    own,
    ratios,
  }: {
    splits: ReadonlyMap<string, SplitName>
    own: Readonly<Record<SplitName, number>>
    ratios: SplitRatios
  },
): PlacedItem | undefined {
  const [start, end] = rangeOf(split, ratios)
  const distance = ({ position }: PlacedItem) => Math.max(start - position, position - end, 0)
  let best: PlacedItem | undefined
  for (const placed of holders) {
    const from = splits.get(placed.item.key)
    if (from === undefined || from === split) continue
    const images = Math.max(...placed.item.labels.values())
    if (from === 'train' && own.train - images < 1) continue
    if (best === undefined || distance(placed) < distance(best)) best = placed
  }
  return best
}

function rangeOf(split: SplitName, { train, val }: SplitRatios): [start: number, end: number] {
  if (split === 'train') return [0, train]
  return split === 'val' ? [train, train + val] : [train + val, 1]
}
