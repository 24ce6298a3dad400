import { notFound, TrainyardError } from '@trainyard/platform'
import type { DatasetContext } from '../context.ts'
import { isImagePath, isJunk, isMask } from '../reading/dataset-files.ts'
import { datasetKey } from '../storage/storage-keys.ts'
import { storeOf } from './sources.ts'

const MAX_NAMED = 10
const ROWS_PER_PAGE = 10_000

/** What became of files that a snapshot refers to. */
export interface ChangedSource {
  changed: string[]
  missing: string[]
  added: string[]
  count: number
}

/**
 * Compares what a snapshot refers to with what is there now. Undefined when nothing has changed. Both sides come in the
 * order of their bytes, so that a million files need no memory.
 */
export async function findChanges(context: DatasetContext, snapshotId: string): Promise<ChangedSource | undefined> {
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
  const changes: ChangedSource = { changed: [], missing: [], added: [], count: 0 }
  const note = (kind: 'changed' | 'missing' | 'added', path: string) => {
    changes.count++
    if (changes.changed.length + changes.missing.length + changes.added.length < MAX_NAMED) changes[kind].push(path)
  }

  const rows = rowsOf(context, id)[Symbol.asyncIterator]()
  let row = await rows.next()
  const passRow = async () => {
    // What was made here is not in the source.
    if (row.done !== true && !(source !== null && row.value.role === 'annotation' && row.value.etag === null))
      note('missing', row.value.path)
    row = await rows.next()
  }
  for await (const object of storeOf(context, source).list(prefix)) {
    const path = object.key.slice(prefix.length)
    while (row.done !== true && Buffer.compare(Buffer.from(row.value.path), Buffer.from(path)) < 0) await passRow()
    if (row.done === true || row.value.path !== path) {
      if (source !== null && isImagePath(path) && !isJunk(path) && !isMask(path)) note('added', path)
      continue
    }
    const { size_bytes: sizeBytes, etag } = row.value
    if (object.sizeBytes !== sizeBytes || (etag !== null && object.etag !== etag)) note('changed', path)
    row = await rows.next()
  }
  while (row.done !== true) await passRow()
  return changes.count === 0 ? undefined : changes
}

async function* rowsOf(context: DatasetContext, datasetId: string) {
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

/** The end of a job whose dataset is not the one that it was created with. */
export class DatasetChanged extends Error {
  override readonly name = 'DatasetChanged'
}

/** Throws {@link DatasetChanged} naming the files, the first ten and how many there are. */
export async function verifySource(context: DatasetContext, snapshotId: string): Promise<void> {
  let changes: ChangedSource | undefined
  try {
    changes = await findChanges(context, snapshotId)
  } catch (error) {
    if (!(error instanceof TrainyardError) || (error.code !== 'not_found' && error.code !== 'unprocessable'))
      throw error
    throw new DatasetChanged(`The dataset is not there any more: ${error.detail}`, { cause: error })
  }
  if (changes === undefined) return
  const parts = (['changed', 'missing', 'added'] as const)
    .filter((kind) => changes[kind].length > 0)
    .map((kind) => `${kind}: ${changes[kind].join(', ')}`)
  const named = changes.changed.length + changes.missing.length + changes.added.length
  const more = changes.count > named ? `; and ${changes.count - named} more` : ''
  const files = changes.count === 1 ? '1 file differs' : `${changes.count} files differ`
  throw new DatasetChanged(
    `The dataset is not what it was when the job was created: ${files} (${parts.join('; ')}${more}). Register it anew, and create the job with that`,
  )
}
