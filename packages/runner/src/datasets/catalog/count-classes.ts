import type { DatasetClassCounts, SplitName } from '@trainyard/contract'
import { sql } from 'kysely'
import type { DatasetContext } from '../context.ts'
import { findVersion } from './find-version.ts'

/** How many images each class is on, by split: the most frequent classes first. */
export async function countClasses(
  context: DatasetContext,
  name: string,
  { limit }: { limit: number },
): Promise<DatasetClassCounts> {
  const { id, classes } = await findVersion(context.database.db, name)
  const { rows } = await sql<{ class_id: number; split: SplitName; images: string }>`
    select class_id, split, count(*) as images
    from dataset_files, unnest(class_ids) as class_id
    where dataset_id = ${id} and role = 'image' and split is not null
    group by class_id, split`.execute(context.database.db)
  const counts = new Map<number, { train: number; val: number; test: number }>()
  for (const { class_id, split, images } of rows) {
    const count = counts.get(class_id) ?? { train: 0, val: 0, test: 0 }
    count[split] = Number(images)
    counts.set(class_id, count)
  }
  const counted = classes.map((one) => {
    const splits = counts.get(one.id) ?? { train: 0, val: 0, test: 0 }
    return { ...one, images: splits.train + splits.val + splits.test, splits }
  })
  return {
    classes: counted.toSorted((a, b) => b.images - a.images || a.id - b.id).slice(0, limit),
    total: classes.length,
    unused: counted.filter(({ images }) => images === 0).length,
  }
}
