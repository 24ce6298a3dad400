import type { RunnerContext } from '../context.ts'
import { getDatasetManifest, listDatasetFiles } from '../datasets/index.ts'

/** Which files, in whose splits. */
export interface WantedDataset {
  snapshotId: string
  splitId: string | null
}

/** What a trainer would be told by `GET {CALLBACK_URL}/dataset` and `/dataset/files`, with URLs for this machine. */
export async function answerFiller(
  context: RunnerContext,
  { snapshotId, splitId }: WantedDataset,
  path: string,
): Promise<unknown> {
  const { pathname, searchParams: query } = new URL(path, 'http://cache')
  if (pathname === '/dataset') return await getDatasetManifest(context, snapshotId, splitId)
  if (pathname !== '/dataset/files') throw new Error(`nothing is known about "${pathname}"`)
  const limit = query.get('limit')
  return await listDatasetFiles(context, snapshotId, {
    cursor: query.get('cursor') ?? undefined,
    limit: limit === null ? undefined : Number(limit),
    all: query.get('all') === 'true',
    splitId: query.get('splits') === 'dataset' ? null : splitId,
  })
}
