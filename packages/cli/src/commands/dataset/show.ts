import { basename, resolve } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { showDataset } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'
import { readSource, type SourceInput } from './read-source.ts'

interface ShowInput extends SourceInput {
  target: string | undefined
  count: number | undefined
  columns: number | undefined
  tile: number | undefined
  split: SplitName | undefined
  class: string | undefined
  seed: string | undefined
  noLabels: boolean
}

export async function run(input: ShowInput, io: CliIo): Promise<number> {
  const { count, columns, tile, split, class: className, seed, noLabels, json } = input
  const name = basename(resolve(io.cwd, input.source))
  const target = resolve(io.cwd, input.target ?? `${name}-sheet.png`)
  if (!/\.png$/i.test(target)) throw new UsageError(`SHEET.png is "${input.target}": expected the name of a PNG file`)
  const shown = await readSource(input, io, (reader, signal) =>
    showDataset(reader, {
      title: reader.name ?? name,
      target,
      signal,
      count,
      columns,
      tile,
      split,
      className,
      seed,
      labels: !noLabels,
    }),
  )
  if (json) printJson(io, shown)
  else {
    io.stdout.write(`${shown.images.length} images on ${shown.target} (${shown.width} x ${shown.height})\n`)
    const reasons = new Map<string, number>()
    for (const { reason } of shown.withoutPixels) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    for (const [reason, images] of reasons) io.stdout.write(cleanText(`${images} without pixels: ${reason}\n`))
  }
  return EXIT_CODES.ok
}
