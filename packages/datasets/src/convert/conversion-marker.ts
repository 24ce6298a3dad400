import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { listFiles } from '../files/list-files.ts'
import type { ConversionReport } from '../report/report.ts'
import { DATASETS_NAME } from '../util/version.ts'

/** The file in the result of a conversion that identifies its source and options, and holds the report. */
export const MARKER_NAME = '.trainyard-conversion.json'

const ConversionMarker = z.object({
  digest: z.string(),
  /** Number of files that the conversion wrote. */
  files: z.number().int(),
  report: z.custom<ConversionReport>((value) => typeof value === 'object' && value !== null),
})
export type ConversionMarker = z.infer<typeof ConversionMarker>

/** Identifies a source and options by the paths, sizes and dates of its files: their content can be terabytes. */
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
  // The folder can be moved, so its path is filled in when the report is read.
  const marker = { digest, files, report: { ...report, target: '' } }
  await writeFile(join(dir, MARKER_NAME), `${JSON.stringify(marker)}\n`)
}

/** The marker of a conversion. Undefined when the folder has no valid one. */
export async function findMarker(dir: string): Promise<ConversionMarker | undefined> {
  try {
    const parsed = ConversionMarker.safeParse(JSON.parse(await readFile(join(dir, MARKER_NAME), 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
