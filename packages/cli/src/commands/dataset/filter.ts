import type { SplitName } from '@trainyard/contract'
import type { DatasetFilter } from '@trainyard/datasets'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { type EditInput, editAndPrint } from './edit-and-print.ts'
import { readPairs } from './read-pairs.ts'

interface FilterInput extends EditInput {
  class: string[]
  without: string[]
  split: SplitName | 'unsplit' | undefined
  minSide: number | undefined
  minArea: number | undefined
  maxArea: number | undefined
  attribute: string[]
  empty: DatasetFilter['emptyImages']
}

export async function run(input: FilterInput, io: CliIo): Promise<number> {
  const filter: DatasetFilter = {
    classes: input.class.length === 0 ? undefined : input.class,
    withoutClasses: input.without.length === 0 ? undefined : input.without,
    splits: input.split === undefined ? undefined : [input.split],
    minImageSide: input.minSide,
    minArea: input.minArea,
    maxArea: input.maxArea,
    attributes: input.attribute.length === 0 ? undefined : readPairs(input.attribute, '--attribute', 'NAME=VALUE'),
    emptyImages: input.empty,
  }
  if (Object.values(filter).every((part) => part === undefined))
    throw new UsageError('nothing to filter by: use --class, --split, --min-area or another filter')
  return editAndPrint(input, { filter }, io)
}
