import { resolve } from 'node:path'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import { locateDataset, mergeDatasets } from '@trainyard/datasets'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { printConversion } from './convert-and-print.ts'
import { readPairs } from './read-pairs.ts'
import { targetFormat } from './target-format.ts'

interface MergeInput {
  paths: string[]
  to: TargetFormat | undefined
  task: TaskType | undefined
  map: string[]
  keepCopies: boolean
  strict: boolean
  json: boolean
}

export async function run(input: MergeInput, io: CliIo): Promise<number> {
  const { paths, to, task, map, keepCopies, strict, json } = input
  const sources = paths.slice(0, -1).map((path) => resolve(io.cwd, path))
  const [first] = sources
  if (first === undefined || sources.length < 2)
    throw new UsageError(`expected at least two datasets and the folder to write, got ${paths.length} paths`)
  const target = resolve(io.cwd, paths.at(-1) ?? '')
  const rename = map.length === 0 ? undefined : readPairs(map, '--map', 'OLD=NEW')
  const format = targetFormat(to, (await locateDataset(first)).format)
  const sameBytes = keepCopies ? 'all' : 'first'
  return printConversion(io, { json, label: 'Merging' }, (running) =>
    mergeDatasets({ sources, target, to: format, task, rename, sameBytes, strict, ...running }),
  )
}
