import { resolve } from 'node:path'
import type { TargetFormat } from '@trainyard/contract'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { convertAndPrint } from './convert-and-print.ts'
import { linkRoot, type SourceInput } from './read-source.ts'

interface ConvertInput extends SourceInput {
  target: string
  to: TargetFormat | undefined
  strict: boolean
  images: 'copy' | 'none' | undefined
  multiPart: 'bridge' | 'split' | 'largest' | undefined
  crowd: 'keep' | 'skip' | undefined
  ignored: 'keep' | 'skip' | undefined
  minArea: number | undefined
  decimals: number | undefined
  force: boolean
}

export async function run(input: ConvertInput, io: CliIo): Promise<number> {
  const { source, target, to, json, minArea, followLinks: given, ...options } = input
  if (to === undefined) throw new UsageError('no format: use --to FORMAT')
  const paths = { source: resolve(io.cwd, source), target: resolve(io.cwd, target) }
  return convertAndPrint({ ...paths, to, ...options, followLinks: linkRoot(given, io), minAreaPx: minArea }, io, {
    json,
  })
}
