import { createHash } from 'node:crypto'
import { type FieldIssue, type SplitCounts, SplitName, type SplitRequest } from '@trainyard/contract'
import { type ImageRecord, splitDataset } from '@trainyard/datasets'
import { invalidRequest, newId, TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import type { Snapshot } from '../catalog/dataset-view.ts'
import type { DatasetContext } from '../context.ts'

const ROWS_PER_PAGE = 20_000
const ROWS_PER_INSERT = 10_000
const MAX_ISSUES = 20

interface Assignment {
  splits: Map<string, SplitName>
  warnings: string[]
}

/**
 * Stores the split that a job requests beside its snapshot; jobs with the same request share it. Returns its id. Throws
 * `invalid_request` with field issues.
 */
export async function createSplit(context: DatasetContext, snapshot: Snapshot, request: SplitRequest): Promise<string> {
  const { db } = context.database
  const spec = JSON.stringify(sortFields(request))
  const specHash = createHash('sha256').update(spec).digest('hex')
  const find = () =>
    db
      .selectFrom('dataset_splits')
      .select('id')
      .where('snapshot_id', '=', snapshot.id)
      .where('spec_hash', '=', specHash)
      .executeTakeFirst()
  const existing = await find()
  if (existing) return existing.id

  const previous = 'ratios' in request ? await findPrevious(context, snapshot, specHash) : undefined
  const assignment = await assignSplits(context, snapshot, request, previous)
  const created = await insertSplit(context, { snapshotId: snapshot.id, spec, specHash, ...assignment })
  if (created !== undefined) return created
  // Another job with the same request stored it first.
  const winner = await find()
  if (winner === undefined) throw new TrainyardError('conflict', 'The dataset was deleted while the job was created')
  return winner.id
}

/** The number of images in each part of a split. */
export async function getSplitCounts(context: DatasetContext, splitId: string): Promise<SplitCounts | undefined> {
  const row = await context.database.db
    .selectFrom('dataset_splits')
    .select('counts')
    .where('id', '=', splitId)
    .executeTakeFirst()
  return row?.counts
}

/** What a job asked for. Lists of images can be long: they are left out. */
export async function getSplitRequest(context: DatasetContext, splitId: string): Promise<SplitRequest | undefined> {
  const row = await context.database.db
    .selectFrom('dataset_splits')
    .select('spec')
    .where('id', '=', splitId)
    .where(sql<boolean>`spec ? 'ratios'`)
    .executeTakeFirst()
  return row?.spec
}

/** Undefined when another transaction has stored the same split. */
function insertSplit(
  context: DatasetContext,
  split: { snapshotId: string; spec: string; specHash: string } & Assignment,
): Promise<string | undefined> {
  const { snapshotId, spec, specHash, splits, warnings } = split
  const counts = countSplits(splits)
  const id = newId('split')
  return context.database.transaction(async (trx) => {
    const row = await trx
      .insertInto('dataset_splits')
      .values({
        id,
        snapshot_id: snapshotId,
        spec_hash: specHash,
        spec,
        counts: JSON.stringify(counts),
        warnings: JSON.stringify(warnings),
        created_at: context.clock.now(),
      })
      .onConflict((conflict) => conflict.columns(['snapshot_id', 'spec_hash']).doNothing())
      .returning('id')
      .executeTakeFirst()
    if (row === undefined) return undefined
    const entries = [...splits]
    for (let start = 0; start < entries.length; start += ROWS_PER_INSERT) {
      const batch = entries.slice(start, start + ROWS_PER_INSERT)
      await sql`
        insert into dataset_split_files (split_id, path, split)
        select ${id}, * from unnest(
          ${batch.map(([path]) => path)}::text[], ${batch.map(([, name]) => name)}::text[])`.execute(trx)
    }
    return id
  })
}

/**
 * The splits that the same request gave the images of the dataset's other versions: they keep them, and an image that a job was
 * tested with is not trained on in the next version. The nearest version decides.
 */
async function findPrevious(
  context: DatasetContext,
  { datasetId, version }: Snapshot,
  specHash: string,
): Promise<Map<string, SplitName> | undefined> {
  const { db } = context.database
  const rows = await db
    .selectFrom('dataset_splits')
    .innerJoin('dataset_snapshots', 'dataset_snapshots.id', 'dataset_splits.snapshot_id')
    .select('dataset_splits.id')
    .where(sql<boolean>`coalesce(dataset_snapshots.version_of, dataset_snapshots.dataset_id) = ${datasetId}`)
    .where('dataset_splits.spec_hash', '=', specHash)
    .orderBy(sql`abs(dataset_snapshots.version - ${version})`)
    .orderBy('dataset_splits.created_at', 'desc')
    .limit(1)
    .execute()
  const [nearest] = rows
  if (nearest === undefined) return undefined
  const previous = new Map<string, SplitName>()
  let after = ''
  for (;;) {
    const page = await db
      .selectFrom('dataset_split_files')
      .select(['path', 'split'])
      .where('split_id', '=', nearest.id)
      .where('path', '>', after)
      .orderBy('path')
      .limit(ROWS_PER_PAGE)
      .execute()
    for (const { path, split } of page) previous.set(path, SplitName.parse(split))
    const last = page.at(-1)
    if (last === undefined || page.length < ROWS_PER_PAGE) return previous
    after = last.path
  }
}

async function assignSplits(
  context: DatasetContext,
  snapshot: Snapshot,
  request: SplitRequest,
  previous: ReadonlyMap<string, SplitName> | undefined,
): Promise<Assignment> {
  const assignment =
    'ratios' in request
      ? await assignByRatios(context, snapshot, request, previous)
      : { splits: await assignByName(context, snapshot, request), warnings: [] }
  const { train, val, test } = countSplits(assignment.splits)
  if (train === 0) {
    const detail = `must leave an image for training; it assigns ${train} to train, ${val} to val, ${test} to test`
    throw invalidRequest([{ path: 'split', detail }])
  }
  return assignment
}

async function assignByRatios(
  context: DatasetContext,
  snapshot: Snapshot,
  { ratios, seed, stratify = false, keep = false }: Extract<SplitRequest, { ratios: unknown }>,
  previous: ReadonlyMap<string, SplitName> | undefined,
): Promise<Assignment> {
  const reader = {
    format: snapshot.format,
    taskType: snapshot.taskType,
    classes: snapshot.classes.map(({ id, name }) => ({ id, name })),
    images: () => listImages(context, snapshot.versionId, { onlyGiven: true }),
  }
  const copies = await findCopies(context, snapshot.versionId)
  const groupBy = copies.size === 0 ? undefined : ({ path }: ImageRecord) => copies.get(path)
  return await splitDataset(reader, { ratios, seed, stratify, keep, previous, groupBy })
}

/** The first path with the same bytes, for every image that is not the only one with them. Copies stay in one split. */
async function findCopies({ database }: DatasetContext, datasetId: string): Promise<Map<string, string>> {
  const { rows } = await sql<{ path: string; first: string }>`
    select path, first from (
      select path, min(path) over same as first, count(*) over same as files from dataset_files
      where dataset_id = ${datasetId} and role = 'image' and sha256 is not null
      window same as (partition by sha256)
    ) images where files > 1`.execute(database.db)
  return new Map(rows.map(({ path, first }) => [path, first]))
}

async function assignByName(
  context: DatasetContext,
  snapshot: Snapshot,
  lists: Partial<Record<SplitName, string[] | undefined>>,
): Promise<Map<string, SplitName>> {
  const requested = new Map<string, { split: SplitName; field: string }>()
  const issues: FieldIssue[] = []
  const report = (field: string, detail: string, path: string) => {
    if (issues.length < MAX_ISSUES) issues.push({ path: field, detail, value: path })
  }
  for (const split of ['train', 'val', 'test'] as const) {
    for (const [index, path] of (lists[split] ?? []).entries()) {
      const field = `split.${split}[${index}]`
      const other = requested.get(path)
      if (other !== undefined) report(field, `must be named once: ${other.field} names it too`, path)
      else requested.set(path, { split, field })
    }
  }
  const splits = new Map<string, SplitName>()
  for await (const { path, split } of listImages(context, snapshot.versionId, { onlyGiven: false })) {
    splits.set(path, requested.get(path)?.split ?? split ?? 'train')
    requested.delete(path)
  }
  for (const [path, { field }] of requested) report(field, 'must be an image of the dataset', path)
  if (issues.length > 0) throw invalidRequest(issues)
  return splits
}

/** The images with their classes, as `splitDataset` reads them. `onlyGiven` leaves out splits that follow from the hash. */
async function* listImages(
  context: DatasetContext,
  datasetId: string,
  { onlyGiven }: { onlyGiven: boolean },
): AsyncGenerator<ImageRecord> {
  let after = ''
  for (;;) {
    const page = await context.database.db
      .selectFrom('dataset_files')
      .select(['path', 'split', 'split_given', 'class_ids'])
      .where('dataset_id', '=', datasetId)
      .where('role', '=', 'image')
      .where('path', '>', after)
      .orderBy('path')
      .limit(ROWS_PER_PAGE)
      .execute()
    for (const row of page)
      yield {
        path: row.path,
        width: 0,
        height: 0,
        split: row.split_given || !onlyGiven ? (row.split ?? undefined) : undefined,
        annotations: (row.class_ids ?? []).map((classId) => ({ kind: 'class', classId })),
      }
    const last = page.at(-1)
    if (page.length < ROWS_PER_PAGE || last === undefined) return
    after = last.path
  }
}

function countSplits(splits: ReadonlyMap<string, SplitName>): SplitCounts {
  const counts: SplitCounts = { train: 0, val: 0, test: 0 }
  for (const split of splits.values()) counts[split]++
  return counts
}

/** The same value with its fields and lists sorted, so that equal requests have equal text. */
function sortFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.toSorted()
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortFields(inner)]),
  )
}
