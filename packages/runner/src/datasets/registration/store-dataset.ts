import type { Dataset, DatasetCounts, TaskType } from '@trainyard/contract'
import { invalidRequest, notFound, TrainyardError } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'
import type { DatasetSource } from '../../db/schema/datasets.ts'
import type { DatasetTables } from '../../db/schema/index.ts'
import type { AuditDataset } from '../access.ts'
import { toDataset } from '../catalog/dataset-view.ts'
import type { DatasetContext } from '../context.ts'
import type { DatasetContent } from '../reading/dataset-content.ts'
import { datasetKey } from '../storage/storage-keys.ts'
import { concurrently } from './concurrently.ts'
import { type HashedFile, versionHash } from './version-hash.ts'
import type { Room, Size } from './with-room.ts'

const STORE_CONCURRENCY = 32
const ROWS_PER_INSERT = 5_000

/** A file of a dataset that is being registered. */
export interface NewFile extends HashedFile {
  /** Opens the bytes to store. Absent for an image that is only referenced. */
  open?: (() => Uint8Array | AsyncIterable<Uint8Array>) | undefined
}

/** Which project a dataset belongs to. */
export interface Ownership {
  projectId: string
  /** Default: nothing is written to the audit log. */
  audit?: AuditDataset | undefined
  /** Throws when the caller has lost the right to add the dataset while it was uploaded. Default: it cannot be lost. */
  confirm?: (() => Promise<void>) | undefined
}

/** The dataset that gets another version. */
export interface VersionOf {
  id: string
  /** The task of the dataset, for which its jobs are. */
  taskType: TaskType
  message?: string | undefined
}

export interface NewDataset extends Ownership {
  /** Its place, with its id. */
  room: Room
  name: string
  /** Default: a dataset of its own. */
  versionOf?: VersionOf | undefined
  content: DatasetContent
  files: readonly NewFile[]
  /** Where the images are, when they are only referenced. */
  source?: DatasetSource | undefined
}

interface StoredDataset extends NewDataset {
  hash: string
  /** ETags of the stored objects, by path. */
  etags: ReadonlyMap<string, string>
}

/** Stores a dataset under its name, or a version of one. Returns what exists when it has the same content. */
export async function storeDataset(
  context: DatasetContext,
  dataset: NewDataset,
): Promise<{ dataset: Dataset; created: boolean }> {
  await dataset.confirm?.()
  requireTask(dataset)
  const hash = versionHash(dataset.files)
  const existing = await findByContent(context, dataset, hash)
  if (existing) return { dataset: existing, created: false }
  const { room } = dataset
  await room.reserve(storedSize(dataset.files))
  const etags = new Map<string, string>()
  room.holdsObjects()
  await concurrently(dataset.files, STORE_CONCURRENCY, async ({ path, open }) => {
    if (open !== undefined) etags.set(path, (await context.store.put(datasetKey(room.id, path), open())).etag)
  })
  await dataset.confirm?.()
  const stored = await insertRows(context, { ...dataset, hash, etags })
  if (stored !== undefined) {
    room.keep()
    context.logger.info(
      { dataset: stored.id, version: stored.version, files: dataset.files.length, sizeBytes: stored.sizeBytes },
      'dataset registered',
    )
    return { dataset: stored, created: true }
  }
  // Another request registered the same content at the same time.
  const winner = await findByContent(context, dataset, hash)
  if (winner === undefined) throw new Error(`the dataset that was registered before ${room.id} does not exist`)
  return { dataset: winner, created: false }
}

const sizeOf = (files: readonly NewFile[]): number => files.reduce((total, file) => total + file.sizeBytes, 0)

/** What it adds to the store: images that are only referenced are not among it. */
function storedSize(files: readonly NewFile[]): Size {
  const own = files.filter(({ open }) => open !== undefined)
  return { bytes: sizeOf(own), files: own.length }
}

function requireTask({ versionOf, content }: NewDataset): void {
  if (versionOf === undefined || versionOf.taskType === content.taskType) return
  const detail =
    `must be "${versionOf.taskType}", the task of the dataset; these files are for "${content.taskType}". Register ` +
    'them as another dataset, or state the task if they can be read for it'
  throw invalidRequest([{ path: 'taskType', detail, value: content.taskType }])
}

async function findByContent(
  context: DatasetContext,
  { name, projectId, versionOf, files, content }: NewDataset,
  hash: string,
): Promise<Dataset | undefined> {
  const { db } = context.database
  const same = db.selectFrom('datasets').selectAll().where('version_hash', '=', hash)
  const row = await (versionOf === undefined
    ? same.where('project_id', '=', projectId).where('name', '=', name).orderBy(sql`version_of nulls first`)
    : same.where('series_id', '=', versionOf.id)
  )
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  // Two contents with the same hash would be treated as one, so the number of files and bytes is compared as well.
  const sizeBytes = sizeOf(files)
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
        `${content.format} for ${content.taskType}: delete that dataset, or use another name`,
    )
  return toDataset(row)
}

/** Undefined when the content is already registered. */
function insertRows(context: DatasetContext, dataset: StoredDataset): Promise<Dataset | undefined> {
  const { room, name, versionOf, projectId, audit, hash, content, files, source } = dataset
  const { id } = room
  const stored = storedSize(files)
  return context.database.transaction(async (trx) => {
    const version = versionOf === undefined ? 1 : await nextVersion(trx, versionOf.id)
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
        losses: JSON.stringify(content.losses),
        size_bytes: sizeOf(files),
        stored_bytes: stored.bytes,
        stored_files: stored.files,
        version_hash: hash,
        created_at: context.clock.now(),
        source: source === undefined ? null : JSON.stringify(source),
        version_of: versionOf?.id ?? null,
        version,
        message: versionOf?.message ?? null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return undefined
    await insertFiles(trx, dataset)
    await trx.deleteFrom('dataset_uploads').where('id', '=', id).execute()
    await audit?.(trx, {
      action: versionOf === undefined ? 'dataset.create' : 'dataset.version',
      id: row.series_id,
      name,
      projectId,
      data: { version, versionHash: hash, source },
      uploadedBytes: source === undefined ? row.size_bytes : undefined,
    })
    return toDataset(row)
  })
}

/** Locks the dataset, so that versions get their numbers one after the other. */
async function nextVersion(trx: Kysely<DatasetTables>, id: string): Promise<number> {
  const first = await trx.selectFrom('datasets').select('id').where('id', '=', id).forUpdate().executeTakeFirst()
  if (first === undefined) throw notFound('dataset', id)
  const { last } = await trx
    .selectFrom('datasets')
    .select(({ fn }) => fn.max('version').as('last'))
    .where('series_id', '=', id)
    .executeTakeFirstOrThrow()
  return last + 1
}

async function insertFiles(
  trx: Kysely<DatasetTables>,
  { room: { id }, content, files, source, etags }: StoredDataset,
): Promise<void> {
  const images = new Map(content.images.map((image) => [image.path, image]))
  // A generated file is not in the source, so its ETag cannot be compared later.
  const isGenerated = (path: string) => source !== undefined && path === content.generatedFile
  const etagOf = ({ path, etag }: NewFile) => etag ?? (isGenerated(path) ? null : (etags.get(path) ?? null))
  for (let start = 0; start < files.length; start += ROWS_PER_INSERT) {
    const batch = files.slice(start, start + ROWS_PER_INSERT)
    const found = batch.map((file) => images.get(file.path))
    // Arrays instead of rows of values: the statement is the same for any number of files. Class ids are passed as
    // text, because PostgreSQL has no arrays of arrays of different lengths.
    await sql`
      insert into dataset_files (dataset_id, path, role, size_bytes, sha256, etag, split, split_given, class_ids, labelled, width, height, objects)
      select ${id}, path, role, size_bytes, sha256, etag, split, split_given, class_ids::integer[], labelled, width, height,
        objects::jsonb from unnest(
        ${batch.map((file) => file.path)}::text[],
        ${found.map((image) => (image ? 'image' : 'annotation'))}::text[],
        ${batch.map((file) => file.sizeBytes)}::bigint[],
        ${batch.map((file) => file.sha256 ?? null)}::text[],
        ${batch.map(etagOf)}::text[],
        ${found.map((image) => image?.split ?? null)}::text[],
        ${found.map((image) => image?.splitGiven ?? true)}::boolean[],
        ${found.map((image) => (image ? `{${image.classIds.join(',')}}` : null))}::text[],
        ${found.map((image) => image?.labelled ?? false)}::boolean[],
        ${found.map((image) => image?.size?.width ?? null)}::integer[],
        ${found.map((image) => image?.size?.height ?? null)}::integer[],
        ${found.map((image) => (image?.objects ? JSON.stringify(image.objects) : null))}::text[]
      ) as file (path, role, size_bytes, sha256, etag, split, split_given, class_ids, labelled, width, height, objects)`.execute(
      trx,
    )
  }
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
