import { resolve } from 'node:path'
import type { TargetFormat } from '@trainyard/contract'
import { type DatasetEdit, locateDataset } from '@trainyard/datasets'
import type { CliIo } from '../../command-line/io.ts'
import { convertAndPrint } from './convert-and-print.ts'
import { linkRoot, type SourceInput } from './read-source.ts'
import { targetFormat } from './target-format.ts'

/** The arguments and options of every command that writes a part of a dataset, or the dataset under other names. */
export interface EditInput extends SourceInput {
  target: string
  to: TargetFormat | undefined
}

/** Writes the edited dataset, in the format of the source unless another one is given, and prints the report. */
export async function editAndPrint(input: EditInput, edit: DatasetEdit, io: CliIo): Promise<number> {
  const { source, target, from, task, vocOneBased, json } = input
  const path = resolve(io.cwd, source)
  const followLinks = linkRoot(input.followLinks, io)
  const { format } = await locateDataset(path, { format: from, followLinks })
  const paths = { source: path, target: resolve(io.cwd, target) }
  return convertAndPrint(
    { ...paths, to: targetFormat(input.to, format), from: format, task, vocOneBased, followLinks, edit },
    io,
    {
      json,
    },
  )
}
