import { createHash } from 'node:crypto'
import { type SplitName, SplitName as SplitNames } from '@trainyard/contract'

/** Shares of the splits; they add up to 1. */
export type SplitRatios = Readonly<Record<SplitName, number>>

/** What a split is made of: one image, or all images of a group, which stay together. */
export interface SplitItem {
  /** The hash of this decides: the same key, the same split. */
  key: string
  /** Number of images. */
  size: number
  /** How many of its images show each class. */
  labels: ReadonlyMap<number, number>
}

export interface AssignSplitsOptions {
  ratios: SplitRatios
  /** Another seed gives another split. */
  seed: string
  /** From this many images on each item goes where its own hash says, so that a new one moves no other. */
  exactBelow: number
  /** Every class in the ratios, at the price that a new image may move others. */
  stratify: boolean
  /** Images that have their split already: they count towards the ratios. */
  taken?: readonly { split: SplitName; labels: ReadonlyMap<number, number> }[]
}

const SPLITS = SplitNames.options
const BACKGROUND = -1

/** The split of each item, by key. The order of the items does not matter. */
export function assignSplits(items: readonly SplitItem[], options: AssignSplitsOptions): Map<string, SplitName> {
  const ordered = items
    .map((item) => ({ item, ...hash(item.key, options.seed) }))
    .sort((a, b) => a.bucket - b.bucket || (a.digest < b.digest ? -1 : 1))
  if (options.stratify)
    return stratify(
      ordered.map(({ item }) => item),
      options,
    )
  const { ratios, exactBelow, taken = [] } = options
  const images = items.reduce((sum, { size }) => sum + size, taken.length)
  if (images >= exactBelow) return new Map(ordered.map(({ item, bucket }) => [item.key, splitOfBucket(bucket, ratios)]))
  return fill(
    ordered.map(({ item }) => item),
    subtractTaken(countExactly(images, ratios), taken),
  )
}

/** How many of `total` images each split gets: largest remainder, and val is not left empty where it should have some. */
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

/** Modulo 10,000, as the platform's exporter has it: with its ratios and no seed the result is the same. */
function hash(key: string, seed: string): { bucket: number; digest: string } {
  const digest = createHash('md5')
    .update(seed === '' ? key : `${seed}\0${key}`)
    .digest('hex')
  return { bucket: Number(BigInt(`0x${digest}`) % 10_000n), digest }
}

function splitOfBucket(bucket: number, { train, val }: SplitRatios): SplitName {
  const place = bucket / 10_000
  // Sums of ratios are a hair off in binary.
  if (place < train - 1e-9) return 'train'
  return place < train + val - 1e-9 ? 'val' : 'test'
}

/** In the order of the hashes: train until it is full, then val, then test. A group that fits nowhere goes where most is missing. */
function fill(items: readonly SplitItem[], targets: Record<SplitName, number>): Map<string, SplitName> {
  const left = { ...targets }
  const splits = new Map<string, SplitName>()
  for (const { key, size } of items) {
    const missing = (split: SplitName) => (targets[split] <= 0 ? 0 : left[split] / targets[split])
    const split =
      SPLITS.find((name) => left[name] >= size) ??
      SPLITS.reduce((best, name) => (missing(name) > missing(best) + 1e-9 ? name : best))
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
 * Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011): the class with the fewest images left goes first, each of
 * its images to the split that lacks this class most. A class with one image so ends in train.
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
  const wish = (total: number) => SPLITS.map((split) => total * ratios[split])
  const wanted = new Map([...totals].map(([label, total]) => [label, wish(total)]))
  const wantedImages = wish(images)
  const take = (at: number, size: number, labels: ReadonlyMap<number, number>) => {
    wantedImages[at] = (wantedImages[at] ?? 0) - size
    for (const [label, count] of labels) {
      const wishes = wanted.get(label)
      if (wishes !== undefined) wishes[at] = (wishes[at] ?? 0) - count
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
      const at = neediest(wanted.get(label) ?? [], wantedImages, ratios)
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

/** The split that lacks the class most; among equals the one that lacks images most; then train, val, test. */
function neediest(wishes: readonly number[], wantedImages: readonly number[], ratios: SplitRatios): number {
  let best = -1
  for (const [at, split] of SPLITS.entries()) {
    if (ratios[split] <= 0) continue
    if (best === -1) {
      best = at
      continue
    }
    const more = (wishes[at] ?? 0) - (wishes[best] ?? 0)
    const moreImages = (wantedImages[at] ?? 0) - (wantedImages[best] ?? 0)
    if (more > 1e-9 || (Math.abs(more) <= 1e-9 && moreImages > 1e-9)) best = at
  }
  return Math.max(best, 0)
}
