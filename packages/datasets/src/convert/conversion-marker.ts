import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { type ListFilesOptions, listFiles } from '../files/list-files.ts'
import type { ConversionReport } from '../report/report.ts'
import { DATASETS_NAME } from '../util/version.ts'

/** The file in the result of a conversion that identifies its source and options, and holds the report. */
export const MARKER_NAME = '.trainyard-conversion.json'

/** Files of ours: the marker, and the splits that the command keeps. */
const OWN_FILE = /^\.trainyard-/

const ConversionMarker = z.object({
  digest: z.string(),
  /** Digest of the paths, sizes and dates of the files that the conversion wrote. */
  written: z.string(),
  report: z.custom<ConversionReport>((value) => typeof value === 'object' && value !== null),
})
export type ConversionMarker = z.infer<typeof ConversionMarker>

/** Identifies a source and options by the paths, sizes and dates of its files: their content can be terabytes. */
export async function digestInput(
  source: string,
  choices: Record<string, unknown>,
  { followLinks, signal }: ListFilesOptions = {},
): Promise<string> {
  const hash = createHash('sha256').update(`${DATASETS_NAME}\n${JSON.stringify(choices)}\n`)
  const isFile = (await stat(source)).isFile()
  const files = isFile ? [''] : (await listFiles(source, { followLinks, signal })).files
  for (const [number, path] of files.entries()) {
    if (number % 1000 === 0) signal?.throwIfAborted()
    const { size, mtimeMs } = statSync(join(source, path))
    hash.update(`${path}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

export async function writeMarker(dir: string, digest: string, report: ConversionReport): Promise<void> {
  const written = await digestWritten(dir)
  // The folder can be moved, so its path is filled in when the report is read.
  const marker = { digest, written, report: { ...report, target: '' } }
  await writeFile(join(dir, MARKER_NAME), `${JSON.stringify(marker)}\n`)
}

/** Identifies the result by the paths, sizes and dates of its files, so that an edit or a removed file is noticed. */
export async function digestWritten(dir: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !OWN_FILE.test(entry.name))
  for (const path of files.map((entry) => relative(dir, join(entry.parentPath, entry.name))).sort()) {
    const { size, mtimeMs } = statSync(join(dir, path))
    hash.update(`${path}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
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
