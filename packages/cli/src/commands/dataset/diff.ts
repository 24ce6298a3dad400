import type { DatasetFormat, TaskType } from '@trainyard/contract'
import { diffDatasets } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { imageProgress } from '../../terminal/progress.ts'
import { printJson } from '../../terminal/table.ts'
import { countsOf, isSame, printDiff } from './print-diff.ts'
import { readSource } from './read-source.ts'

interface DiffInput {
  before: string
  after: string
  from: DatasetFormat | undefined
  task: TaskType | undefined
  vocOneBased: boolean
  followLinks: string | undefined
  noPixels: boolean
  minOverlap: number | undefined
  json: boolean
}

export async function run(input: DiffInput, io: CliIo): Promise<number> {
  const { before, after, noPixels, minOverlap, json } = input
  const progress = imageProgress(io.stderr, 'Comparing', json)
  const diff = await readSource({ ...input, source: before }, io, (old, signal) =>
    readSource({ ...input, source: after }, io, (fresh) =>
      diffDatasets(old, fresh, {
        pixels: !noPixels,
        minOverlap,
        onProgress: ({ images }) => progress.update(images),
        signal,
      }),
    ),
  ).finally(progress.end)
  if (json) printJson(io, diff)
  else printDiff(diff, countsOf(diff), io)
  return isSame(diff) ? EXIT_CODES.ok : EXIT_CODES.negative
}
