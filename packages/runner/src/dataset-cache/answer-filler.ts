import type { RunnerContext } from '../context.ts'
import { getDatasetManifest, listDatasetFiles } from '../datasets/index.ts'

/** The files of a snapshot, with the splits of the job or of the dataset. */
export interface RequestedDataset {
  snapshotId: string
  splitId: string | null
}

/** Answers a filling process as `GET {CALLBACK_URL}/dataset` and `/dataset/files` answer a trainer. */
export async function answerFiller(
  context: RunnerContext,
  { snapshotId, splitId }: RequestedDataset,
  path: string,
): Promise<unknown> {
  const { pathname, searchParams: query } = new URL(path, 'http://cache')
  if (pathname === '/dataset') return await getDatasetManifest(context, snapshotId, splitId)
  if (pathname !== '/dataset/files') throw new Error(`expected the path /dataset or /dataset/files, got "${pathname}"`)
  const limit = query.get('limit')
  return await listDatasetFiles(context, snapshotId, {
    cursor: query.get('cursor') ?? undefined,
    limit: limit === null ? undefined : Number(limit),
    all: query.get('all') === 'true',
    splitId: query.get('splits') === 'dataset' ? null : splitId,
  })
}
