import { validateDataset } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { imageProgress } from '../../terminal/progress.ts'
import { printJson } from '../../terminal/table.ts'
import { findFolder, printDatasetReport } from './print-report.ts'
import { readSource, type SourceInput } from './read-source.ts'

interface ValidateInput extends SourceInput {
  duplicates: boolean
  noPixels: boolean
  strict: boolean
}

export async function run(input: ValidateInput, io: CliIo): Promise<number> {
  const { duplicates, noPixels, strict, json } = input
  const progress = imageProgress(io.stderr, 'Validating', json)
  const report = await readSource(input, io, async (reader, signal, dir) =>
    validateDataset(reader, {
      dir: await findFolder(dir),
      pixels: !noPixels,
      duplicates,
      onProgress: ({ images }) => progress.update(images),
      signal,
    }),
  ).finally(progress.end)
  if (json) printJson(io, report)
  else printDatasetReport(report, io)
  const isInvalid = report.findings.some(({ severity }) => severity === 'error' || (strict && severity === 'warning'))
  return isInvalid ? EXIT_CODES.negative : EXIT_CODES.ok
}
