import { createHash } from 'node:crypto'
import type { FieldIssue, SplitCounts, SplitName, SplitRequest } from '@trainyard/contract'
import { type ImageRecord, splitDataset } from '@trainyard/datasets'
import { invalidRequest, newId, TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import type { Snapshot } from '../catalog/dataset-view.ts'
import type { DatasetContext } from '../context.ts'

const ROWS_PER_PAGE = 20_000
const ROWS_PER_INSERT = 10_000
const MAX_ISSUES = 20

/** A split that a job asked for, stored with the snapshot; jobs that ask for the same share it. Throws with field issues. */
export async function createSplit(context: DatasetContext, snapshot: Snapshot, request: SplitRequest): Promise<string> {
  const { db } = context.database
  const spec = JSON.stringify(sorted(request))
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

  const { splits, warnings } = await assign(context, snapshot, request)
  const counts: SplitCounts = { train: 0, val: 0, test: 0 }
  for (const split of splits.values()) counts[split]++
  if (counts.train === 0)
    throw invalid([{ path: 'split', detail: `must leave an image for training; it gives ${describe(counts)}` }])
  const id = newId('split')
  const created = await context.database.transaction(async (trx) => {
    const row = await trx
      .insertInto('dataset_splits')
      .values({
        id,
        snapshot_id: snapshot.id,
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
          ${batch.map(([path]) => path)}::text[], ${batch.map(([, split]) => split)}::text[])`.execute(trx)
    }
    return id
  })
  if (created !== undefined) return created
  // Another job that asked for the same came first.
  const winner = await find()
  if (winner === undefined) throw new TrainyardError('conflict', 'The dataset was deleted while the job was created')
  return winner.id
}

/** How many images a split has in each part, for the manifest. */
export async function getSplitCounts(context: DatasetContext, splitId: string): Promise<SplitCounts | undefined> {
  const row = await context.database.db
    .selectFrom('dataset_splits')
    .select('counts')
    .where('id', '=', splitId)
    .executeTakeFirst()
  return row?.counts
}

async function assign(
  context: DatasetContext,
  snapshot: Snapshot,
  request: SplitRequest,
): Promise<{ splits: Map<string, SplitName>; warnings: string[] }> {
  if (!('ratios' in request)) return { splits: await byName(context, snapshot, request), warnings: [] }
  const { ratios, seed, stratify = false, keep = false } = request
  const reader = {
    format: snapshot.format,
    taskType: snapshot.taskType,
    classes: snapshot.classes.map(({ id, name }) => ({ id, name })),
    images: () => imagesOf(context, snapshot.datasetId, { onlyGiven: true }),
  }
  const { splits, warnings } = await splitDataset(reader, {
    ratios,
    stratify,
    keep,
    ...(seed === undefined ? {} : { seed }),
  })
  return { splits, warnings }
}

async function byName(
  context: DatasetContext,
  snapshot: Snapshot,
  lists: Partial<Record<SplitName, string[] | undefined>>,
): Promise<Map<string, SplitName>> {
  const wanted = new Map<string, { split: SplitName; field: string }>()
  const issues: FieldIssue[] = []
  const complain = (field: string, detail: string, path: string) => {
    if (issues.length < MAX_ISSUES) issues.push({ path: field, detail, value: path })
  }
  for (const split of ['train', 'val', 'test'] as const) {
    for (const [index, path] of (lists[split] ?? []).entries()) {
      const field = `split.${split}[${index}]`
      const other = wanted.get(path)
      if (other !== undefined) complain(field, `must be named once: ${other.field} names it too`, path)
      else wanted.set(path, { split, field })
    }
  }
  const splits = new Map<string, SplitName>()
  for await (const { path, split } of imagesOf(context, snapshot.datasetId, { onlyGiven: false })) {
    splits.set(path, wanted.get(path)?.split ?? split ?? 'train')
    wanted.delete(path)
  }
  for (const [path, { field }] of wanted) complain(field, 'must be an image of the dataset', path)
  if (issues.length > 0) throw invalid(issues)
  return splits
}

/** The images as the SDK's rules want them: with a split (of the dataset only, or also of the hash) and their classes. */
async function* imagesOf(
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

function invalid(issues: FieldIssue[]): TrainyardError {
  return invalidRequest(issues)
}

function describe(counts: SplitCounts): string {
  return `${counts.train} to train, ${counts.val} to val, ${counts.test} to test`
}

/** The same request in one writing: its fields in order. */
function sorted(request: SplitRequest): unknown {
  const order = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, inner]) => [key, order(inner)]),
        )
      : Array.isArray(value)
        ? value.toSorted()
        : value
  return order(request)
}
