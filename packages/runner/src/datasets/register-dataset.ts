import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId, unpackTar } from '@trainyard/platform'
import type { Dataset, DatasetCounts } from '@trainyard/sdk/contract'
import { sql } from 'kysely'
import type { AuditDataset } from './access.ts'
import { concurrently } from './concurrently.ts'
import { type DatasetContext, UPLOAD_LIMITS } from './context.ts'
import type { DatasetContent, UnpackedDataset } from './dataset-content.ts'
import { toDataset } from './dataset-view.ts'
import { type ExaminedFile, examineFiles } from './examine-files.ts'
import { readDataset } from './read-dataset.ts'
import { datasetKey } from './storage-keys.ts'
import { removeUpload, sweepUploads } from './sweep-uploads.ts'
import { versionHash } from './version-hash.ts'

const STORE_CONCURRENCY = 32
/** Rows that go into one statement. */
const ROWS_PER_INSERT = 5_000

export interface RegisterDatasetOptions {
  name: string
  /** Whose it will be. */
  projectId: string
  /** Default: nothing is written. */
  audit?: AuditDataset
  /** A tar or tar.gz. */
  body: AsyncIterable<Uint8Array>
}

/**
 * Unpacks, reads, checks and stores a dataset. The same content under the same name gives the dataset that is there.
 * Throws `unprocessable` with what is wrong, and leaves nothing behind then.
 */
export async function registerDataset(
  context: DatasetContext,
  options: RegisterDatasetOptions,
): Promise<{ dataset: Dataset; created: boolean }> {
  const parent = context.config?.dataDir ?? tmpdir()
  await mkdir(parent, { recursive: true })
  await sweepUploads(context)
  const scratch = await mkdtemp(join(parent, 'dataset-upload-'))
  try {
    const { files } = await unpackTar(options.body, join(scratch, 'files'), {
      maxFiles: UPLOAD_LIMITS.maxFiles,
      maxTotalBytes: UPLOAD_LIMITS.maxTotalBytes,
    })
    const { dataset, content } = await readDataset(join(scratch, 'files'), files)
    const examined = await examineFiles(dataset, content)
    const hash = versionHash(examined)
    const { name, projectId, audit } = options
    const existing = await findByContent(context, { name, projectId, hash })
    if (existing) return { dataset: existing, created: false }
    const described = { name, projectId, hash, content, files: examined, ...(audit && { audit }) }
    return await storeDataset(context, dataset, described)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function findByContent(
  context: DatasetContext,
  { name, projectId, hash }: Pick<NewDataset, 'name' | 'projectId' | 'hash'>,
): Promise<Dataset | undefined> {
  const row = await context.database.db
    .selectFrom('datasets')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('version_hash', '=', hash)
    .executeTakeFirst()
  return row && toDataset(row)
}

interface NewDataset {
  name: string
  projectId: string
  audit?: AuditDataset
  hash: string
  content: DatasetContent
  files: ExaminedFile[]
}

/** Objects first, rows last and together: a dataset that can be seen is complete. */
async function storeDataset(
  context: DatasetContext,
  dataset: UnpackedDataset,
  described: NewDataset,
): Promise<{ dataset: Dataset; created: boolean }> {
  const { files } = described
  const id = newId('ds')
  let stored: Dataset | undefined
  // Written first and removed with the last row: a process that dies in between leaves a trace to clean up by.
  await context.database.db.insertInto('dataset_uploads').values({ id, started_at: context.clock.now() }).execute()
  try {
    await concurrently(files, STORE_CONCURRENCY, async (file) => {
      const body = file.bytes ?? createReadStream(join(dataset.dir, file.path))
      await context.store.put(datasetKey(id, file.path), body)
    })
    stored = await insertRows(context, id, described)
  } finally {
    if (stored === undefined) await removeUpload(context, id)
  }
  if (stored !== undefined) {
    context.logger.info({ dataset: id, files: files.length, sizeBytes: stored.sizeBytes }, 'dataset registered')
    return { dataset: stored, created: true }
  }
  // Somebody registered the same content at the same time.
  const winner = await findByContent(context, described)
  if (winner === undefined) throw new Error(`dataset ${id} lost to one that is not there`)
  return { dataset: winner, created: false }
}

/** Undefined when the content is registered already. */
function insertRows(
  context: DatasetContext,
  id: string,
  { name, projectId, audit, hash, content, files }: NewDataset,
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
      })
      .onConflict((conflict) => conflict.columns(['project_id', 'name', 'version_hash']).doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return undefined
    const images = new Map(content.images.map((image) => [image.path, image]))
    for (let start = 0; start < files.length; start += ROWS_PER_INSERT) {
      const batch = files.slice(start, start + ROWS_PER_INSERT)
      // Arrays instead of rows of values: the statement stays one and the same, however many files there are.
      await sql`
        insert into dataset_files (dataset_id, path, role, size_bytes, sha256, split, labelled)
        select ${id}, * from unnest(
          ${batch.map((file) => file.path)}::text[],
          ${batch.map((file) => (images.has(file.path) ? 'image' : 'annotation'))}::text[],
          ${batch.map((file) => file.sizeBytes)}::bigint[],
          ${batch.map((file) => file.sha256)}::text[],
          ${batch.map((file) => images.get(file.path)?.split ?? null)}::text[],
          ${batch.map((file) => images.get(file.path)?.labelled ?? false)}::boolean[]
        )`.execute(trx)
    }
    await trx.deleteFrom('dataset_uploads').where('id', '=', id).execute()
    await audit?.(trx, { action: 'dataset.create', id, projectId, data: { name, versionHash: hash } })
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
