import type { CliIo } from '../../command-line/io.ts'
import { type EditInput, editAndPrint } from './edit-and-print.ts'

interface SampleInput extends EditInput {
  count: number
  seed: string | undefined
}

export async function run({ count, seed, ...input }: SampleInput, io: CliIo): Promise<number> {
  return editAndPrint(input, { sample: { count, seed } }, io)
}
