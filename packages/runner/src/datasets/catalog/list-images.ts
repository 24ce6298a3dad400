import type { DatasetImageList, SplitName } from '@trainyard/contract'
import { formatCursor, parseCursor } from '@trainyard/platform'
import { sql } from 'kysely'
import { z } from 'zod'
import type { DatasetContext } from '../context.ts'
import { findVersion } from './find-version.ts'

export interface ListImagesOptions {
  /** Only images with this class. */
  classId?: number | undefined
  split?: SplitName | undefined
  cursor?: string | undefined
  limit: number
}

const LastPath = z.tuple([z.string()])

/** One page of the images of a dataset by path, labelled or not, with what is on them. */
export async function listImages(
  context: DatasetContext,
  name: string,
  { classId, split, cursor, limit }: ListImagesOptions,
): Promise<DatasetImageList> {
  const { id } = await findVersion(context.database.db, name)
  let query = context.database.db
    .selectFrom('dataset_files')
    .select(['path', 'size_bytes', 'width', 'height', 'split', 'labelled', 'class_ids', 'objects'])
    .where('dataset_id', '=', id)
    .where('role', '=', 'image')
    .orderBy('path')
    .limit(limit + 1)
  if (classId !== undefined) query = query.where(sql<boolean>`class_ids @> array[${classId}::integer]`)
  if (split !== undefined) query = query.where('split', '=', split)
  if (cursor !== undefined) query = query.where('path', '>', parseCursor(LastPath, cursor)[0])
  const rows = await query.execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const hasMore = rows.length > page.length && last !== undefined
  return {
    images: page.map((row) => ({
      path: row.path,
      sizeBytes: row.size_bytes,
      width: row.width ?? undefined,
      height: row.height ?? undefined,
      split: row.split ?? undefined,
      labelled: row.labelled,
      classIds: row.class_ids ?? [],
      objects: row.objects ?? undefined,
    })),
    nextCursor: hasMore ? formatCursor([last.path] satisfies z.infer<typeof LastPath>) : undefined,
  }
}
