import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { type EditInput, editAndPrint } from './edit-and-print.ts'
import { readPairs } from './read-pairs.ts'

interface RemapInput extends EditInput {
  map: string[]
  mapFile: string | undefined
}

export async function run(input: RemapInput, io: CliIo): Promise<number> {
  const { map, mapFile } = input
  const rename = {
    ...(mapFile === undefined ? undefined : await readMapFile(io, mapFile)),
    ...readPairs(map, '--map', 'OLD=NEW'),
  }
  if (Object.keys(rename).length === 0) throw new UsageError('no class to rename: use --map OLD=NEW or --map-file FILE')
  return editAndPrint(input, { rename }, io)
}

async function readMapFile(io: CliIo, file: string): Promise<Record<string, string>> {
  const expected = 'expected a JSON object of old and new names, such as {"auto": "car"}'
  let value: unknown
  try {
    value = JSON.parse(await readFile(resolve(io.cwd, file), 'utf8'))
  } catch (error) {
    throw new UsageError(
      `--map-file ${file} cannot be read: ${error instanceof Error ? error.message : error}; ${expected}`,
    )
  }
  const parsed = z.record(z.string(), z.string()).safeParse(value)
  if (!parsed.success) throw new UsageError(`--map-file ${file} holds something else; ${expected}`)
  return parsed.data
}
