import { type SplitName, SplitName as SplitNames } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import type { DatasetReader } from '../record/record.ts'
import { assignSplits } from './assign-splits.ts'
import { type GroupBy, groupOf } from './group-images.ts'
import { findLookAlikes } from './look-alikes.ts'
import { findSameBytes } from './same-bytes.ts'
import type { SplitItem, SplitRatios } from './split-item.ts'

/** How a dataset is split. */
export interface SplitDatasetOptions {
  /** Shares that add up to 1. Default 0.7 / 0.2 / 0.1. */
  ratios?: SplitRatios | undefined
  /** Images with a split keep it, and only the others get one. Default true. */
  keep?: boolean | undefined
  /**
   * Splits by path that an earlier call gave: these images keep them, and the others complete the ratios, with `stratify` those
   * of every class. Give the splits of the latest call each time: then an image that has a split never gets another one.
   */
  previous?: ReadonlyMap<string, SplitName> | undefined
  /** Keep the ratios for every class, also where images have several classes. Default false. */
  stratify?: boolean | undefined
  /**
   * Keep images together: frames of a video, copies of an image, one patient. Default: no groups. `ConfigError` when no image
   * has a group.
   */
  groupBy?: GroupBy | undefined
  /** Keep images with the same bytes together. Reads the files that have the size of another one. Default true. */
  sameBytes?: boolean | undefined
  /**
   * Keep images together that look the same: another size, quality or format, or mirrored. Decodes every image with the
   * package `sharp`; `MissingPackageError` without it. Default false.
   */
  lookAlikes?: boolean | undefined
  /** Another seed gives another split. Default empty: the split of the platform's exporter. */
  seed?: string | undefined
  /**
   * With fewer images the ratios are met exactly, and a new image can move others; with as many or more it moves no other.
   * Default 1000.
   */
  exactBelow?: number | undefined
  signal?: AbortSignal | undefined
}

/** The split of each image, with counts and warnings. */
export interface SplitResult {
  /** Splits by path. */
  splits: Map<string, SplitName>
  /** Number of images that kept their split, and of images that got one. */
  kept: number
  assigned: number
  images: Record<SplitName, number>
  /** Number of images with each class, by split. */
  classes: { id: number; name: string; images: Record<SplitName, number> }[]
  /** Groups that are in more than one split of the dataset. */
  leaks: { group: string; splits: SplitName[] }[]
  /** Whether the ratios were met exactly, so that new images can move others: see `exactBelow`. */
  isExact: boolean
  /** Messages for people. */
  warnings: string[]
}

interface Image {
  path: string
  group: string
  split: SplitName | undefined
  labels: ReadonlyMap<number, number>
}

/** Puts every image of a dataset into train, val or test. The same dataset gives the same splits. Reads it once. */
export async function splitDataset(
  reader: DatasetReader,
  {
    ratios = { train: 0.7, val: 0.2, test: 0.1 },
    keep = true,
    previous,
    stratify = false,
    groupBy,
    sameBytes = true,
    lookAlikes = false,
    seed = '',
    exactBelow = 1000,
    signal,
  }: SplitDatasetOptions = {},
): Promise<SplitResult> {
  checkRatios(ratios)
  const images: Image[] = []
  const files: { path: string; file: string }[] = []
  for await (const record of reader.images()) {
    signal?.throwIfAborted()
    const { path, file } = record
    if (file !== undefined) files.push({ path, file })
    const split = (keep ? record.split : undefined) ?? previous?.get(path)
    const labels = new Map(record.annotations.map(({ classId }) => [classId, 1]))
    images.push({ path, group: groupOf(record, groupBy), split, labels })
  }
  checkGroups(images, groupBy)
  const copies = sameBytes ? await findSameBytes(files, signal) : new Map<string, string>()
  joinGroups(images, copies)
  if (lookAlikes) joinGroups(images, await findLookAlikes(files, signal))
  const splits = new Map<string, SplitName>()
  const splitsOfGroup = new Map<string, Set<SplitName>>()
  for (const { path, group, split } of images) {
    if (split === undefined) continue
    splits.set(path, split)
    const others = splitsOfGroup.get(group)
    if (others === undefined) splitsOfGroup.set(group, new Set([split]))
    else others.add(split)
  }
  const kept = splits.size
  // An image joins the split of its group. Any other split would leak.
  for (const { path, group, split } of images) {
    const known = splitsOfGroup.get(group)
    if (split === undefined && known !== undefined) splits.set(path, strictest(known))
  }
  const taken = images.flatMap(({ path, labels }) => {
    const split = splits.get(path)
    return split === undefined ? [] : [{ split, labels }]
  })
  const open = images.filter(({ path }) => !splits.has(path))
  // Earlier splits are kept by the caller, and those of this call will be, too: new images can complete the ratios.
  const exactUpTo = stratify && (previous?.size ?? 0) > 0 ? Number.POSITIVE_INFINITY : exactBelow
  const assigned = assignSplits(toItems(open), { ratios, seed, exactBelow: exactUpTo, stratify, taken })
  for (const { path, group } of open) splits.set(path, assigned.get(group) ?? 'train')
  return summarize({ reader, images, splits, kept, splitsOfGroup, ratios, exactBelow, copies })
}

/** A key that matches nothing would leave every image alone, and leak. */
function checkGroups(images: readonly Image[], groupBy: GroupBy | undefined): void {
  if (groupBy === undefined || images.length === 0 || images.some(({ path, group }) => group !== path)) return
  const key = groupBy instanceof RegExp ? String(groupBy) : (JSON.stringify(groupBy) ?? 'the given function')
  throw new ConfigError(
    `Grouping by ${key} matches none of the ${images.length} images; the first path is ${JSON.stringify(images[0]?.path)}`,
  )
}

/** Joins the groups of images with the same bytes. A joined group has the name of its first image. */
function joinGroups(images: Image[], firstOf: ReadonlyMap<string, string>): void {
  if (firstOf.size === 0) return
  const parents = new Map<string, string>()
  const find = (group: string): string => {
    let root = group
    for (let next = parents.get(root); next !== undefined; next = parents.get(root)) root = next
    return root
  }
  const groupByPath = new Map(images.map(({ path, group }) => [path, group]))
  for (const [path, first] of firstOf) {
    const [a, b] = [find(groupByPath.get(first) ?? first), find(groupByPath.get(path) ?? path)].sort()
    if (a !== undefined && b !== undefined && a !== b) parents.set(b, a)
  }
  for (const image of images) image.group = find(image.group)
}

function toItems(images: readonly Image[]): SplitItem[] {
  const items = new Map<string, { key: string; size: number; labels: Map<number, number> }>()
  for (const { group, labels } of images) {
    const item = items.get(group) ?? { key: group, size: 0, labels: new Map<number, number>() }
    item.size++
    for (const [label, count] of labels) item.labels.set(label, (item.labels.get(label) ?? 0) + count)
    items.set(group, item)
  }
  return [...items.values()]
}

/** Test before val before train: images kept for testing must not be trained on. */
function strictest(splits: ReadonlySet<SplitName>): SplitName {
  return splits.has('test') ? 'test' : splits.has('val') ? 'val' : 'train'
}

function summarize(state: {
  reader: DatasetReader
  images: readonly Image[]
  splits: Map<string, SplitName>
  kept: number
  splitsOfGroup: ReadonlyMap<string, ReadonlySet<SplitName>>
  ratios: SplitRatios
  exactBelow: number
  copies: ReadonlyMap<string, string>
}): SplitResult {
  const { reader, images, splits, kept, splitsOfGroup, ratios, exactBelow, copies } = state
  const counts = { train: 0, val: 0, test: 0 }
  const classes = reader.classes.map(({ id, name }) => ({ id, name, images: { train: 0, val: 0, test: 0 } }))
  for (const { path, labels } of images) {
    const split = splits.get(path) ?? 'train'
    counts[split]++
    for (const label of labels.keys()) {
      const item = classes[label]
      if (item !== undefined) item.images[split]++
    }
  }
  const leaks = [...splitsOfGroup]
    .filter(([, own]) => own.size > 1)
    .map(([group, own]) => ({
      group: group.replace(/^group:/, ''),
      splits: SplitNames.options.filter((name) => own.has(name)),
    }))
  const warnings: string[] = []
  if (images.length === 0) warnings.push('The dataset has no images')
  if (copies.size > 0)
    warnings.push(
      `${copies.size} images have the same bytes as another one, such as ${[...copies.values()][0]}, and stay together`,
    )
  for (const split of SplitNames.options) {
    if (images.length > 0 && counts[split] === 0 && ratios[split] > 0) warnings.push(`No image is in ${split}`)
  }
  for (const { name, images: own } of classes) {
    const total = own.train + own.val + own.test
    const missing = SplitNames.options.filter((split) => own[split] === 0 && counts[split] > 0 && split !== 'test')
    if (total > 0 && missing.length > 0)
      warnings.push(
        `Class ${JSON.stringify(name)} (${total} ${total === 1 ? 'image' : 'images'}) has no image in ${missing.join(' and ')}`,
      )
  }
  if (leaks.length > 0) {
    const [first] = leaks
    warnings.push(
      `${leaks.length} ${leaks.length === 1 ? 'group is' : 'groups are'} in several splits, such as ${JSON.stringify(first?.group)} in ${first?.splits.join(' and ')}`,
    )
  }
  const assigned = splits.size - kept
  const isExact = assigned > 0 && images.length < exactBelow
  return { splits, kept, assigned, images: counts, classes, leaks, isExact, warnings }
}

function checkRatios(ratios: SplitRatios): void {
  const values = SplitNames.options.map((split) => ratios[split])
  const sum = values.reduce((total, value) => total + value, 0)
  if (values.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) <= 1e-6) return
  throw new ConfigError(`The ratios are ${values.join(' / ')}; expected numbers from 0 to 1 that add up to 1`)
}
