import { createHash } from 'node:crypto'
import type { SplitName } from '@trainyard/contract'
import { findClass } from '../edit/find-class.ts'
import type { DatasetReader, ImageRecord } from '../record/record.ts'

export interface ChooseImagesOptions {
  count: number
  split?: SplitName | undefined
  className?: string | undefined
  seed?: string | undefined
  signal?: AbortSignal | undefined
}

/** The images with the smallest hashes, labelled ones first, sorted by path; and how many there were to choose from. */
export async function chooseImages(
  reader: DatasetReader,
  { count, split, className, seed = '', signal }: ChooseImagesOptions,
): Promise<{ chosen: ImageRecord[]; total: number }> {
  const classId = className === undefined ? undefined : findClass(reader.classes, className).id
  let chosen: { record: ImageRecord; rank: string }[] = []
  let total = 0
  const keepBest = () => {
    chosen = chosen.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, count)
  }
  for await (const record of reader.images()) {
    signal?.throwIfAborted()
    if (split !== undefined && record.split !== split) continue
    if (classId !== undefined && record.annotations.every((annotation) => annotation.classId !== classId)) continue
    total++
    const hash = createHash('md5').update(`${seed}\0${record.path}`).digest('hex')
    chosen.push({ record, rank: `${record.annotations.length > 0 ? 0 : 1}${hash}` })
    // Memory holds no more than twice what is shown.
    if (chosen.length >= count * 2) keepBest()
  }
  keepBest()
  return { chosen: chosen.map(({ record }) => record).sort((a, b) => (a.path < b.path ? -1 : 1)), total }
}
