import { notFound, TrainyardError } from '@trainyard/platform'
import { DatasetChanged } from '../../errors.ts'
import type { DatasetContext } from '../context.ts'
import { isImagePath, isJunk, isMask } from '../reading/dataset-files.ts'
import { datasetKey } from '../storage/storage-keys.ts'
import { storeOf } from './store-of.ts'

const MAX_LISTED = 10
const ROWS_PER_PAGE = 10_000

export interface VerifySourceOptions {
  signal?: AbortSignal | undefined
  /** Called after each thousand files. */
  onProgress?: (() => void) | undefined
}

const FILES_PER_REPORT = 1000

/** How the files of a snapshot differ from those in the store: up to ten paths, and the number of all of them. */
interface SourceChanges {
  changed: string[]
  missing: string[]
  added: string[]
  count: number
}

/**
 * Compares the files of a snapshot with the objects in the store; undefined when they are the same. Both lists are
 * sorted by bytes and compared as streams, so memory does not grow with the number of files.
 */
async function findChanges(
  context: DatasetContext,
  snapshotId: string,
  { signal, onProgress }: VerifySourceOptions,
): Promise<SourceChanges | undefined> {
  const { db } = context.database
  const snapshot = await db
    .selectFrom('dataset_snapshots')
    .innerJoin('datasets', 'datasets.id', 'dataset_snapshots.dataset_id')
    .select(['datasets.id', 'datasets.source'])
    .where('dataset_snapshots.id', '=', snapshotId)
    .executeTakeFirst()
  if (snapshot === undefined) throw notFound('snapshot', snapshotId)
  const { id, source } = snapshot
  const prefix = source?.prefix ?? datasetKey(id)
  const changes: SourceChanges = { changed: [], missing: [], added: [], count: 0 }
  const note = (kind: 'changed' | 'missing' | 'added', path: string) => {
    changes.count++
    if (changes.changed.length + changes.missing.length + changes.added.length < MAX_LISTED) changes[kind].push(path)
  }

  const rows = listRows(context, id)[Symbol.asyncIterator]()
  let row = await rows.next()
  const skipRow = async () => {
    // An annotation file that was generated here is not in the source.
    if (row.done !== true && !(source !== null && row.value.role === 'annotation' && row.value.etag === null))
      note('missing', row.value.path)
    row = await rows.next()
  }
  let listed = 0
  for await (const object of storeOf(context, source).list(prefix)) {
    signal?.throwIfAborted()
    if (++listed % FILES_PER_REPORT === 0) onProgress?.()
    const path = object.key.slice(prefix.length)
    while (row.done !== true && Buffer.compare(Buffer.from(row.value.path), Buffer.from(path)) < 0) await skipRow()
    if (row.done === true || row.value.path !== path) {
      if (source !== null && isImagePath(path) && !isJunk(path) && !isMask(path)) note('added', path)
      continue
    }
    const { size_bytes: sizeBytes, etag } = row.value
    if (object.sizeBytes !== sizeBytes || (etag !== null && object.etag !== etag)) note('changed', path)
    row = await rows.next()
  }
  while (row.done !== true) await skipRow()
  return changes.count === 0 ? undefined : changes
}

async function* listRows(context: DatasetContext, datasetId: string) {
  let after = ''
  for (;;) {
    const page = await context.database.db
      .selectFrom('dataset_files')
      .select(['path', 'size_bytes', 'etag', 'role'])
      .where('dataset_id', '=', datasetId)
      .where('path', '>', after)
      .orderBy('path')
      .limit(ROWS_PER_PAGE)
      .execute()
    yield* page
    const last = page.at(-1)
    if (page.length < ROWS_PER_PAGE || last === undefined) return
    after = last.path
  }
}

/** Throws {@link DatasetChanged} when the files of a snapshot changed. The message lists the first ten. */
export async function verifySource(
  context: DatasetContext,
  snapshotId: string,
  options: VerifySourceOptions = {},
): Promise<void> {
  let changes: SourceChanges | undefined
  try {
    changes = await findChanges(context, snapshotId, options)
  } catch (error) {
    if (!(error instanceof TrainyardError) || (error.code !== 'not_found' && error.code !== 'unprocessable'))
      throw error
    throw new DatasetChanged(`The dataset no longer exists: ${error.detail}`, { cause: error })
  }
  if (changes === undefined) return
  const parts = (['changed', 'missing', 'added'] as const)
    .filter((kind) => changes[kind].length > 0)
    .map((kind) => `${kind}: ${changes[kind].join(', ')}`)
  const listed = changes.changed.length + changes.missing.length + changes.added.length
  const more = changes.count > listed ? `; and ${changes.count - listed} more` : ''
  const files = changes.count === 1 ? '1 file differs' : `${changes.count} files differ`
  throw new DatasetChanged(
    `The dataset changed after the job was created: ${files} (${parts.join('; ')}${more}). Register the dataset again and create a new job`,
  )
}
