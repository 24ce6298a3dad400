import { createHash } from 'node:crypto'
import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord } from '../record/record.ts'
import { LossCounter } from '../report/loss-counter.ts'
import { findSameBytes } from '../splits/same-bytes.ts'
import { checkKeypoints } from './remap-classes.ts'

export interface MergeSource {
  /** For paths that occur twice, and for messages. */
  name: string
  reader: DatasetReader
}

export interface MergeReadersOptions {
  task?: TaskType | undefined
  sameBytes: 'first' | 'all'
  signal?: AbortSignal | undefined
}

/** Several datasets as one, in their order. Reads them one more time where images with the same bytes are looked for. */
export async function mergeReaders(
  sources: readonly MergeSource[],
  { task, sameBytes, signal }: MergeReadersOptions,
): Promise<DatasetReader> {
  const [first] = sources
  if (first === undefined) throw new DatasetError('Merging needs at least one dataset')
  const taskType = task ?? first.reader.taskType
  for (const { name, reader } of sources) {
    if (task === undefined && reader.taskType !== taskType)
      throw new DatasetError(
        `"${first.name}" is for ${taskType} and "${name}" for ${reader.taskType}; give the task to merge them for`,
      )
  }
  const { classes, newIds } = mergeClasses(sources)
  const losses = new LossCounter()
  const names = uniqueNames(sources)
  const firstOf = sameBytes === 'first' ? await findCopies(sources, signal) : new Map<string, string>()
  // Only what the writing pass finds counts, and both passes count the same.
  const before = sources.map(({ reader }) => reader.losses?.list() ?? [])
  return {
    format: first.reader.format,
    taskType,
    name: first.reader.name,
    classes,
    attributes: first.reader.attributes,
    losses,
    async *images() {
      const taken = new Takens()
      for (const [number, { reader }] of sources.entries()) {
        for await (const record of reader.images()) {
          const copyOf = firstOf.get(keyOf(number, record.path))
          if (copyOf !== undefined) {
            losses.add('image-duplicate', `${names[number]}/${record.path} has the bytes of ${copyOf}`)
            continue
          }
          yield taken.take(record, { prefix: names[number] ?? '', ids: newIds[number] ?? new Map(), losses })
        }
        losses.merge(sameBytes === 'first' ? (before[number] ?? []) : (reader.losses?.list() ?? []))
      }
    },
  }
}

/** Sorts in the order of the sources. */
const keyOf = (source: number, path: string): string => `${String(source).padStart(6, '0')}/${path}`

/** The images whose bytes came before, with the name of the first one, and whether their objects differ. */
async function findCopies(sources: readonly MergeSource[], signal?: AbortSignal): Promise<Map<string, string>> {
  const names = uniqueNames(sources)
  const files: { path: string; file: string }[] = []
  const known = new Map<string, { shown: string; objects: string }>()
  for (const [number, { reader }] of sources.entries()) {
    for await (const { path, file, annotations } of reader.images()) {
      signal?.throwIfAborted()
      if (file === undefined) continue
      files.push({ path: keyOf(number, path), file })
      const objects = digestObjects(annotations, reader.classes)
      known.set(keyOf(number, path), { shown: `${names[number]}/${path}`, objects })
    }
  }
  const copies = new Map<string, string>()
  for (const [path, first] of await findSameBytes(files, signal)) {
    if (path === first) continue
    const [copy, original] = [known.get(path), known.get(first)]
    const note = copy?.objects === original?.objects ? '' : ', whose objects differ'
    copies.set(path, `${original?.shown ?? first}${note}`)
  }
  return copies
}

/** Identifies classes and geometry, in any order of the objects. */
function digestObjects(annotations: readonly Annotation[], classes: readonly DatasetClassInfo[]): string {
  const objects = annotations.map(({ classId, bbox, polygons, rle, keypoints, obb }) =>
    JSON.stringify([classes[classId]?.name, bbox, polygons, rle, keypoints, obb]),
  )
  return createHash('sha256').update(objects.sort().join('\n')).digest('base64')
}

/** The names of the sources; a name that several have gets a number. */
function uniqueNames(sources: readonly MergeSource[]): string[] {
  const seen = new Map<string, number>()
  return sources.map(({ name }) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return count === 1 ? name : `${name}-${count}`
  })
}

function mergeClasses(sources: readonly MergeSource[]): {
  classes: DatasetClassInfo[]
  newIds: Map<number, number>[]
} {
  const classes: DatasetClassInfo[] = []
  const newIds = sources.map(({ reader }) => {
    const ids = new Map<number, number>()
    for (const info of reader.classes) {
      let id = classes.findIndex(({ name }) => name === info.name)
      if (id === -1) id = classes.push({ ...info, id: classes.length, sourceId: undefined }) - 1
      else checkKeypoints(classes[id], info)
      ids.set(info.id, id)
    }
    return ids
  })
  return { classes, newIds }
}

/** Paths and ids that images and objects have already. */
class Takens {
  readonly #paths = new Set<string>()
  readonly #imageIds = new Set<string>()
  readonly #objectIds = new Set<string>()

  take(
    record: ImageRecord,
    { prefix, ids, losses }: { prefix: string; ids: ReadonlyMap<number, number>; losses: LossCounter },
  ): ImageRecord {
    let path = record.path
    if (this.#paths.has(path)) {
      path = `${prefix}/${path}`
      losses.add('image-renamed', `${record.path} of "${prefix}" is ${path}`)
    }
    this.#paths.add(path)
    const annotations = record.annotations.map(
      (item): Annotation => ({
        ...item,
        classId: ids.get(item.classId) ?? item.classId,
        id: this.#free(this.#objectIds, item.id),
      }),
    )
    return { ...record, path, id: this.#free(this.#imageIds, record.id), annotations }
  }

  /** The id, unless something has it already. */
  #free(taken: Set<string>, id: string | number | undefined): string | number | undefined {
    if (id === undefined || taken.has(String(id))) return undefined
    taken.add(String(id))
    return id
  }
}
