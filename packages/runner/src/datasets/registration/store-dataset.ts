import type { Dataset, DatasetCounts } from '@trainyard/contract'
import { newId, TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import type { DatasetSource } from '../../db/schema/datasets.ts'
import type { AuditDataset } from '../access.ts'
import { toDataset } from '../catalog/dataset-view.ts'
import type { DatasetContext } from '../context.ts'
import type { DatasetContent } from '../reading/dataset-content.ts'
import { datasetKey } from '../storage/storage-keys.ts'
import { concurrently } from './concurrently.ts'
import { removeUpload } from './sweep-uploads.ts'
import { type HashedFile, versionHash } from './version-hash.ts'

const STORE_CONCURRENCY = 32
/** Rows that go into one statement. */
const ROWS_PER_INSERT = 5_000

/** A file of a dataset that is about to be registered. */
export interface NewFile extends HashedFile {
  /** Opens its bytes, which are to be stored; absent for an image that is only referred to. */
  open?: () => Uint8Array | AsyncIterable<Uint8Array>
}

/** Whose a dataset will be. */
export interface Owned {
  projectId: string
  /** Default: nothing is written. */
  audit?: AuditDataset
}

export interface NewDataset extends Owned {
  name: string
  content: DatasetContent
  files: readonly NewFile[]
  source?: DatasetSource
}

/** Stores a dataset under its name. The same content under the same name gives the dataset that is there. */
export async function storeDataset(
  context: DatasetContext,
  dataset: NewDataset,
): Promise<{ dataset: Dataset; created: boolean }> {
  const hash = versionHash(dataset.files)
  const existing = await findByContent(context, dataset, hash)
  if (existing) return { dataset: existing, created: false }
  const id = newId('ds')
  let stored: Dataset | undefined
  // Written first and removed with the last row: a process that dies in between leaves a trace to clean up by.
  await context.database.db.insertInto('dataset_uploads').values({ id, started_at: context.clock.now() }).execute()
  try {
    const etags = new Map<string, string>()
    await concurrently(dataset.files, STORE_CONCURRENCY, async ({ path, open }) => {
      if (open !== undefined) etags.set(path, (await context.store.put(datasetKey(id, path), open())).etag)
    })
    stored = await insertRows(context, { ...dataset, id, hash, etags })
  } finally {
    if (stored === undefined) await removeUpload(context, id)
  }
  if (stored !== undefined) {
    context.logger.info({ dataset: id, files: dataset.files.length, sizeBytes: stored.sizeBytes }, 'dataset registered')
    return { dataset: stored, created: true }
  }
  // Somebody registered the same content at the same time.
  const winner = await findByContent(context, dataset, hash)
  if (winner === undefined) throw new Error(`dataset ${id} lost to one that is not there`)
  return { dataset: winner, created: false }
}

async function findByContent(
  context: DatasetContext,
  { name, projectId, files, content }: NewDataset,
  hash: string,
): Promise<Dataset | undefined> {
  const { db } = context.database
  const row = await db
    .selectFrom('datasets')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('version_hash', '=', hash)
    .executeTakeFirst()
  if (row === undefined) return undefined
  // Two contents with one hash would be trained on as one: looked at rather than believed.
  const sizeBytes = files.reduce((total, file) => total + file.sizeBytes, 0)
  const { count } = await db
    .selectFrom('dataset_files')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('dataset_id', '=', row.id)
    .executeTakeFirstOrThrow()
  if (Number(count) !== files.length || row.size_bytes !== sizeBytes)
    throw new TrainyardError(
      'conflict',
      `The version hash ${hash} is that of dataset ${row.id}, which has ${count} files of ${row.size_bytes} bytes; ` +
        `this one has ${files.length} files of ${sizeBytes} bytes. Register it under another name`,
    )
  if (row.format !== content.format || row.task_type !== content.taskType)
    throw new TrainyardError(
      'conflict',
      `These files are registered as ${row.format} for ${row.task_type} under the name "${name}" (${row.id}), not as ` +
        `${content.format} for ${content.taskType}: delete that dataset, or choose another name`,
    )
  return toDataset(row)
}

/** Undefined when the content is registered already. */
function insertRows(
  context: DatasetContext,
  {
    id,
    name,
    projectId,
    audit,
    hash,
    content,
    files,
    source,
    etags,
  }: NewDataset & { id: string; hash: string; etags: Map<string, string> },
): Promise<Dataset | undefined> {
  return context.database.transaction(async (trx) => {
    const row = await trx
      .insertInto('datasets')
      .values({
        id,
        project_id: projectId,
        name,
        format: content.format,
        task_type: content.taskType,
        classes: JSON.stringify(content.classes),
        counts: JSON.stringify(countImages(content)),
        size_bytes: files.reduce((total, file) => total + file.sizeBytes, 0),
        version_hash: hash,
        created_at: context.clock.now(),
        ...(source === undefined ? {} : { source: JSON.stringify(source) }),
      })
      .onConflict((conflict) => conflict.columns(['project_id', 'name', 'version_hash']).doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return undefined
    const images = new Map(content.images.map((image) => [image.path, image]))
    for (let start = 0; start < files.length; start += ROWS_PER_INSERT) {
      const batch = files.slice(start, start + ROWS_PER_INSERT)
      const found = batch.map((file) => images.get(file.path))
      // Arrays instead of rows of values: the statement stays one and the same, however many files there are. The ids of
      // classes travel as text, because PostgreSQL has no arrays of lists of different lengths.
      await sql`
        insert into dataset_files (dataset_id, path, role, size_bytes, sha256, etag, split, split_given, class_ids, labelled)
        select ${id}, path, role, size_bytes, sha256, etag, split, split_given, class_ids::integer[], labelled from unnest(
          ${batch.map((file) => file.path)}::text[],
          ${found.map((image) => (image ? 'image' : 'annotation'))}::text[],
          ${batch.map((file) => file.sizeBytes)}::bigint[],
          ${batch.map((file) => file.sha256 ?? null)}::text[],
          ${batch.map((file) => file.etag ?? (source && file.path === content.generatedFile ? null : (etags.get(file.path) ?? null)))}::text[],
          ${found.map((image) => image?.split ?? null)}::text[],
          ${found.map((image) => image?.splitGiven ?? true)}::boolean[],
          ${found.map((image) => (image ? `{${image.classIds.join(',')}}` : null))}::text[],
          ${found.map((image) => image?.labelled ?? false)}::boolean[]
        ) as file (path, role, size_bytes, sha256, etag, split, split_given, class_ids, labelled)`.execute(trx)
    }
    await trx.deleteFrom('dataset_uploads').where('id', '=', id).execute()
    const data = { name, versionHash: hash, ...(source === undefined ? {} : { source }) }
    await audit?.(trx, { action: 'dataset.create', id, projectId, data })
    return toDataset(row)
  })
}

function countImages(content: DatasetContent): DatasetCounts {
  const splits = { train: 0, val: 0, test: 0 }
  let labelled = 0
  for (const image of content.images) {
    splits[image.split] += 1
    if (image.labelled) labelled += 1
  }
  return { images: content.images.length, labelled, annotations: content.annotations, splits }
}
