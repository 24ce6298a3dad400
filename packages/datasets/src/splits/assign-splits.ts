import { createHash } from 'node:crypto'
import { type SplitName, SplitName as SplitNames } from '@trainyard/contract'
import type { SplitItem, SplitRatios, TakenSplit } from './split-item.ts'
import { stratifyStably } from './stratify-stably.ts'

export interface AssignSplitsOptions {
  ratios: SplitRatios
  /** Another seed gives another split. */
  seed: string
  /** With this many images or more, the hash of each item alone decides, so that a new item moves no other. */
  exactBelow: number
  /**
   * Keep the ratios for every class: exactly below `exactBelow`, where a new image can move others, and otherwise as
   * `stratifyStably` says.
   */
  stratify: boolean
  /** Images that have a split already. They count towards the ratios. */
  taken?: readonly TakenSplit[] | undefined
}

const SPLITS = SplitNames.options
const BACKGROUND = -1
const BUCKETS = 10_000

/** The split of each item, by key. The order of the items does not matter. */
export function assignSplits(items: readonly SplitItem[], options: AssignSplitsOptions): Map<string, SplitName> {
  const ordered = items
    .map((item) => ({ item, ...hash(item.key, options.seed) }))
    .sort((a, b) => a.bucket - b.bucket || (a.digest < b.digest ? -1 : 1))
  const { ratios, exactBelow, taken = [] } = options
  const images = items.reduce((sum, { size }) => sum + size, taken.length)
  if (images >= exactBelow) {
    const placed = ordered.map(({ item, bucket }) => ({
      item,
      position: bucket / BUCKETS,
      split: fitting(item.size, splitOfBucket(bucket, ratios), images, ratios),
    }))
    if (options.stratify) return stratifyStably(placed, options)
    return new Map(placed.map(({ item, split }) => [item.key, split]))
  }
  // The largest groups first: what comes late fits nowhere.
  const byHash = ordered.map(({ item }) => item)
  const inOrder = [
    ...byHash.filter(({ size }) => size > 1).sort((a, b) => b.size - a.size),
    ...byHash.filter(({ size }) => size <= 1),
  ]
  if (options.stratify) return stratify(inOrder, options)
  return fill(inOrder, subtractTaken(countExactly(images, ratios), taken))
}

/** The number of images in each split by the largest remainder method. val gets at least one image where it has a ratio. */
export function countExactly(total: number, ratios: SplitRatios): Record<SplitName, number> {
  const shares = SPLITS.map((split, order) => {
    // 0.7 × 10 is not 7 in binary.
    const share = Math.round(total * ratios[split] * 1e9) / 1e9
    return { split, order, count: Math.floor(share), rest: share - Math.floor(share) }
  })
  let left = total - shares.reduce((sum, { count }) => sum + count, 0)
  for (const share of [...shares].sort((a, b) => b.rest - a.rest || a.order - b.order)) {
    if (left-- <= 0) break
    share.count++
  }
  const counts = Object.fromEntries(shares.map(({ split, count }) => [split, count])) as Record<SplitName, number>
  if (counts.val === 0 && ratios.val > 0 && counts.train > 1) {
    counts.train--
    counts.val++
  }
  return counts
}

/** MD5 modulo 10,000, as in the platform's exporter: with its ratios and without a seed the result is the same. */
function hash(key: string, seed: string): { bucket: number; digest: string } {
  const digest = createHash('md5')
    .update(seed === '' ? key : `${seed}\0${key}`)
    .digest('hex')
  return { bucket: Number(BigInt(`0x${digest}`) % BigInt(BUCKETS)), digest }
}

function splitOfBucket(bucket: number, { train, val }: SplitRatios): SplitName {
  const position = bucket / BUCKETS
  // Sums of ratios are not exact in binary.
  if (position < train - 1e-9) return 'train'
  return position < train + val - 1e-9 ? 'val' : 'test'
}

/** A group that is larger than a whole split goes to the largest one. */
function fitting(size: number, split: SplitName, images: number, ratios: SplitRatios): SplitName {
  if (size <= 1 || size <= images * ratios[split]) return split
  return SPLITS.reduce((best, name) => (ratios[name] > ratios[best] ? name : best))
}

/** Fills train, then val, then test, in the order given. A group that fits nowhere goes to the largest split. */
function fill(items: readonly SplitItem[], targets: Record<SplitName, number>): Map<string, SplitName> {
  const left = { ...targets }
  const splits = new Map<string, SplitName>()
  for (const { key, size } of items) {
    const split =
      SPLITS.find((name) => left[name] >= size) ??
      SPLITS.reduce((best, name) => (targets[name] > targets[best] ? name : best))
    left[split] -= size
    splits.set(key, split)
  }
  return splits
}

function subtractTaken(
  counts: Record<SplitName, number>,
  taken: readonly { split: SplitName }[],
): Record<SplitName, number> {
  const left = { ...counts }
  for (const { split } of taken) left[split]--
  return left
}

/**
 * Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011): takes the class with the fewest images left and puts each
 * of its images into the split that lacks this class most. The image of a class with one image goes to train.
 */
function stratify(items: readonly SplitItem[], { ratios, taken = [] }: AssignSplitsOptions): Map<string, SplitName> {
  const withLabels = items.map((item) => ({
    ...item,
    labels: item.labels.size > 0 ? item.labels : new Map([[BACKGROUND, item.size]]),
  }))
  const totals = new Map<number, number>()
  const holders = new Map<number, SplitItem[]>()
  const add = (label: number, count: number) => totals.set(label, (totals.get(label) ?? 0) + count)
  for (const item of withLabels) {
    for (const [label, count] of item.labels) {
      add(label, count)
      const list = holders.get(label)
      if (list === undefined) holders.set(label, [item])
      else list.push(item)
    }
  }
  for (const { labels } of taken) for (const [label, count] of labels) add(label, count)
  const images = items.reduce((sum, { size }) => sum + size, taken.length)
  const share = (total: number) => SPLITS.map((split) => total * ratios[split])
  // What each split still lacks, of each class and of all images.
  const lacking = new Map([...totals].map(([label, total]) => [label, share(total)]))
  const lackingImages = share(images)
  const take = (at: number, size: number, labels: ReadonlyMap<number, number>) => {
    lackingImages[at] = (lackingImages[at] ?? 0) - size
    for (const [label, count] of labels) {
      const counts = lacking.get(label)
      if (counts !== undefined) counts[at] = (counts[at] ?? 0) - count
    }
  }
  for (const { split, labels } of taken) take(SPLITS.indexOf(split), 1, labels)

  const splits = new Map<string, SplitName>()
  const left = new Map([...holders].map(([label, list]) => [label, list.length]))
  for (;;) {
    const label = rarest(left)
    if (label === undefined) return splits
    for (const item of holders.get(label) ?? []) {
      if (splits.has(item.key)) continue
      const at = neediest(lacking.get(label) ?? [], lackingImages, ratios)
      splits.set(item.key, SPLITS[at] ?? 'train')
      take(at, item.size, item.labels)
      for (const other of item.labels.keys()) left.set(other, (left.get(other) ?? 1) - 1)
    }
    left.delete(label)
  }
}

function rarest(left: ReadonlyMap<number, number>): number | undefined {
  let best: [label: number, count: number] | undefined
  for (const [label, count] of left) {
    if (best === undefined || count < best[1] || (count === best[1] && label < best[0])) best = [label, count]
  }
  return best?.[0]
}

/** The split that lacks the class most. Ties go to the split that lacks images most, then to train, val, test. */
function neediest(lacking: readonly number[], lackingImages: readonly number[], ratios: SplitRatios): number {
  let best = -1
  for (const [at, split] of SPLITS.entries()) {
    if (ratios[split] <= 0) continue
    if (best === -1) {
      best = at
      continue
    }
    const more = (lacking[at] ?? 0) - (lacking[best] ?? 0)
    const moreImages = (lackingImages[at] ?? 0) - (lackingImages[best] ?? 0)
    if (more > 1e-9 || (Math.abs(more) <= 1e-9 && moreImages > 1e-9)) best = at
  }
  return Math.max(best, 0)
}
