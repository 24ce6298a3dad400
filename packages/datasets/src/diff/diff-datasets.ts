import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord } from '../record/record.ts'
import { hashFile } from '../transfer/hash-file.ts'
import type { DatasetDiff, ImageChange, ImagePair } from './dataset-diff.ts'
import { findRenamedClasses } from './find-renamed-classes.ts'
import { hasSameGeometry, matchObjects } from './match-objects.ts'

/** How two datasets are compared. */
export interface DiffDatasetsOptions {
  /** Compare the bytes of images, and find images that have another path now. Reads all files. Default true. */
  pixels?: boolean | undefined
  /** Intersection over union, above 0 and up to 1, from which two boxes are the same object. Default 0.5. */
  minOverlap?: number | undefined
  /** Called with the number of images that were read, of both datasets. */
  onProgress?: ((progress: { images: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Compares two datasets of any formats. Images belong together by path, and those that are left by their bytes; objects by
 * the overlap of their boxes. Holds the records of the first dataset and of the images of both in memory: about 500 bytes
 * an object.
 */
export async function diffDatasets(
  before: DatasetReader,
  after: DatasetReader,
  { pixels = true, minOverlap = 0.5, onProgress = () => {}, signal }: DiffDatasetsOptions = {},
): Promise<DatasetDiff> {
  let images = 0
  const count = () => {
    signal?.throwIfAborted()
    onProgress({ images: ++images })
  }
  const old = await collect(before, count)
  const fresh = await collect(after, count)
  const { pairs, added, removed } = await pairImages(old, fresh, pixels, signal)
  const renamedClasses = findRenamedClasses(pairs, before.classes, after.classes)
  const newNames = new Map(renamedClasses.map(({ from, to }) => [from, to]))

  const repainted: string[] = []
  if (pixels) {
    for (const [one, other] of pairs) {
      signal?.throwIfAborted()
      if (one.path === other.path && (await digestOf(one)) !== (await digestOf(other))) repainted.push(other.path)
    }
  }
  const objects = { unchanged: 0, added: 0, removed: 0, moved: 0, reclassified: 0 }
  const changes: ImageChange[] = []
  for (const pair of pairs) {
    const change = compareObjects(pair, { before, after, newNames, minOverlap }, objects)
    if (change !== undefined) changes.push(change)
  }
  return {
    classes: { ...compareClasses(before.classes, after.classes, newNames), renamed: renamedClasses },
    images: {
      common: pairs.length,
      added: added.map(({ path }) => path),
      removed: removed.map(({ path }) => path),
      renamed: pairs.flatMap(([{ path: from }, { path: to }]) => (from === to ? [] : [{ from, to }])),
      moved: pairs.flatMap(([{ split: from }, { path, split: to }]) => (from === to ? [] : [{ path, from, to }])),
      repainted,
    },
    objects,
    changes,
  }
}

async function collect(reader: DatasetReader, count: () => void): Promise<Map<string, ImageRecord>> {
  const records = new Map<string, ImageRecord>()
  for await (const record of reader.images()) {
    count()
    records.set(record.path, record)
  }
  return records
}

async function pairImages(
  old: ReadonlyMap<string, ImageRecord>,
  fresh: ReadonlyMap<string, ImageRecord>,
  pixels: boolean,
  signal: AbortSignal | undefined,
): Promise<{ pairs: ImagePair[]; added: ImageRecord[]; removed: ImageRecord[] }> {
  const pairs: ImagePair[] = []
  const unpaired: ImageRecord[] = []
  for (const record of fresh.values()) {
    const same = old.get(record.path)
    if (same === undefined) unpaired.push(record)
    else pairs.push([same, record])
  }
  const gone = [...old.values()].filter(({ path }) => !fresh.has(path))
  if (!pixels || gone.length === 0 || unpaired.length === 0) return { pairs, added: unpaired, removed: gone }

  const byDigest = new Map<string, ImageRecord[]>()
  for (const record of gone) {
    signal?.throwIfAborted()
    const digest = await digestOf(record)
    if (digest !== undefined) byDigest.set(digest, [...(byDigest.get(digest) ?? []), record])
  }
  const added: ImageRecord[] = []
  const found = new Set<ImageRecord>()
  for (const record of unpaired) {
    signal?.throwIfAborted()
    const digest = await digestOf(record)
    const same = digest === undefined ? undefined : byDigest.get(digest)?.shift()
    if (same === undefined) {
      added.push(record)
      continue
    }
    found.add(same)
    pairs.push([same, record])
  }
  return { pairs, added, removed: gone.filter((record) => !found.has(record)) }
}

/** Undefined for an image whose file is missing or cannot be read: it is equal to others of its kind. */
async function digestOf({ file }: ImageRecord): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await hashFile(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

interface CompareOptions {
  before: DatasetReader
  after: DatasetReader
  newNames: ReadonlyMap<string, string>
  minOverlap: number
}

/** Counts the objects of an image. Undefined when none changed. */
function compareObjects(
  [old, fresh]: ImagePair,
  { before, after, newNames, minOverlap }: CompareOptions,
  counts: DatasetDiff['objects'],
): ImageChange | undefined {
  const oldName = (item: Annotation) => nameOf(before.classes, item)
  const newName = (item: Annotation) => nameOf(after.classes, item)
  const isSameClass = (one: Annotation, other: Annotation) =>
    (newNames.get(oldName(one)) ?? oldName(one)) === newName(other)
  const { matched, removed, added } = matchObjects(old.annotations, fresh.annotations, { minOverlap, isSameClass })
  const change: ImageChange = {
    path: fresh.path,
    added: added.map((item) => ({ className: newName(item) })),
    removed: removed.map((item) => ({ className: oldName(item) })),
    moved: [],
    reclassified: [],
  }
  for (const { before: one, after: other, iou } of matched) {
    if (!isSameClass(one, other)) change.reclassified.push({ from: oldName(one), to: newName(other), iou })
    else if (!hasSameGeometry(one, other)) change.moved.push({ className: newName(other), iou })
    else counts.unchanged++
  }
  counts.added += change.added.length
  counts.removed += change.removed.length
  counts.moved += change.moved.length
  counts.reclassified += change.reclassified.length
  const isUnchanged = Object.values(change).every((part) => typeof part === 'string' || part.length === 0)
  return isUnchanged ? undefined : change
}

/** The name of the class of an object, or its number where the list has no such class. */
function nameOf(classes: readonly DatasetClassInfo[], { classId }: Annotation): string {
  return classes[classId]?.name ?? String(classId)
}

function compareClasses(
  before: readonly DatasetClassInfo[],
  after: readonly DatasetClassInfo[],
  newNames: ReadonlyMap<string, string>,
): { added: string[]; removed: string[] } {
  const [old, fresh] = [new Set(before.map(({ name }) => name)), new Set(after.map(({ name }) => name))]
  const renamedTo = new Set(newNames.values())
  return {
    added: [...fresh].filter((name) => !old.has(name) && !renamedTo.has(name)),
    removed: [...old].filter((name) => !fresh.has(name) && !newNames.has(name)),
  }
}
