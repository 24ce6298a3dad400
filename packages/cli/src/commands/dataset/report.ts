import { basename, resolve } from 'node:path'
import { writeDatasetReport } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { imageProgress } from '../../terminal/progress.ts'
import { printJson } from '../../terminal/table.ts'
import { plural } from '../../terminal/text.ts'
import { findFolder } from './print-report.ts'
import { readSource, type SourceInput } from './read-source.ts'

interface ReportInput extends SourceInput {
  target: string | undefined
  pictures: number | undefined
  duplicates: boolean
  noPixels: boolean
}

export async function run(input: ReportInput, io: CliIo): Promise<number> {
  const { pictures, duplicates, noPixels, json } = input
  const name = basename(resolve(io.cwd, input.source))
  const target = resolve(io.cwd, input.target ?? `${name}-report.html`)
  if (!/\.html?$/i.test(target))
    throw new UsageError(`REPORT.html is "${input.target}": expected the name of an HTML file`)
  const progress = imageProgress(io.stderr, 'Counting', json)
  const { images, findings } = await readSource(input, io, async (reader, signal, dir) =>
    writeDatasetReport(reader, {
      title: reader.name ?? name,
      target,
      pictures,
      dir: await findFolder(dir),
      pixels: !noPixels,
      duplicates,
      onProgress: ({ images: read }) => progress.update(read),
      signal,
    }),
  ).finally(progress.end)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (json) printJson(io, { target, images, errors })
  else io.stdout.write(`${plural(images, 'image')} in ${target}; kinds of errors: ${errors}\n`)
  return EXIT_CODES.ok
}
