import { relative, resolve } from 'node:path'
import type { DatasetFormat, TaskType } from '@trainyard/contract'
import { type DatasetReader, loadReader, locateDataset } from '@trainyard/datasets'
import type { CliIo } from '../../command-line/io.ts'
import { interruptible } from '../../terminal/interruptible.ts'

/** The argument and the options of every command that reads a dataset. */
export interface SourceInput {
  source: string
  from: DatasetFormat | undefined
  task: TaskType | undefined
  vocOneBased: boolean
  followLinks: string | undefined
  json: boolean
}

/** Opens the dataset, runs `work` with its folder or file, and closes the dataset. Ctrl-C aborts the signal. */
export function readSource<T>(
  { source, from, task, vocOneBased, followLinks: given }: SourceInput,
  io: CliIo,
  work: (reader: DatasetReader, signal: AbortSignal, dir: string) => Promise<T>,
): Promise<T> {
  const path = resolve(io.cwd, source)
  const followLinks = linkRoot(given, io)
  return interruptible(async (signal) => {
    const { dir, format } = await locateDataset(path, { format: from, followLinks, signal })
    if (dir !== path) io.stderr.write(`the dataset is in ${relative(io.cwd, dir)}, the only folder of ${source}\n`)
    const reader = await (await loadReader[format]())(dir, { task, vocOneBased, followLinks, signal })
    try {
      return await work(reader, signal, dir)
    } finally {
      await reader.close?.()
    }
  })
}

/** The folder of `--follow-links`, absolute. */
export function linkRoot(given: string | undefined, io: CliIo): string | undefined {
  return given === undefined ? undefined : resolve(io.cwd, given)
}
