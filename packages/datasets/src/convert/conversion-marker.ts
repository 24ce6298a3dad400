import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { listFiles } from '../files/list-files.ts'
import type { ConversionReport } from '../report/report.ts'
import { DATASETS_NAME } from '../util/version.ts'

/** In the folder that a conversion wrote: of what it is a conversion, and what was said of it. */
export const MARKER_NAME = '.trainyard-conversion.json'

const ConversionMarker = z.object({
  digest: z.string(),
  /** How many files the conversion wrote. */
  files: z.number().int(),
  report: z.custom<ConversionReport>((value) => typeof value === 'object' && value !== null),
})
export type ConversionMarker = z.infer<typeof ConversionMarker>

/** Tells one source and choice of options from another by its files' paths, sizes and dates: their bytes may be terabytes. */
export async function digestInput(
  source: string,
  choices: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update(`${DATASETS_NAME}\n${JSON.stringify(choices)}\n`)
  const isFile = (await stat(source)).isFile()
  const files = isFile ? [''] : (await listFiles(source, signal)).files
  for (const [number, path] of files.entries()) {
    if (number % 1000 === 0) signal?.throwIfAborted()
    const { size, mtimeMs } = statSync(join(source, path))
    hash.update(`${path}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

export async function writeMarker(dir: string, digest: string, report: ConversionReport): Promise<void> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).length
  // The folder may be moved: its path is told anew each time.
  const marker = { digest, files, report: { ...report, target: '' } }
  await writeFile(join(dir, MARKER_NAME), `${JSON.stringify(marker)}\n`)
}

/** The marker of a conversion; undefined when the folder has none that can be read. */
export async function findMarker(dir: string): Promise<ConversionMarker | undefined> {
  try {
    const parsed = ConversionMarker.safeParse(JSON.parse(await readFile(join(dir, MARKER_NAME), 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
