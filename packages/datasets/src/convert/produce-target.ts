import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { LossError } from '../errors.ts'
import type { ConversionReport } from '../report/report.ts'
import { type ConversionMarker, digestWritten, findMarker, writeMarker } from './conversion-marker.ts'

export interface ProduceTargetOptions {
  /** Absolute path of the folder to write. */
  target: string
  /** Identifies the sources and the options: the same digest means the same result. */
  digest: string
  strict: boolean
  force: boolean
  signal?: AbortSignal | undefined
}

/**
 * Lets `write` fill a new folder and renames it to the target when it is complete. Does nothing when the target has this
 * result already. Throws `DatasetError` for a target with other content.
 */
export async function produceTarget(
  { target, digest, strict, force, signal }: ProduceTargetOptions,
  write: (partial: string) => Promise<ConversionReport>,
): Promise<ConversionReport> {
  const held = await findMarker(target)
  if (held !== undefined && !force && held.digest === digest && (await isWhole(target, held))) {
    return { ...held.report, target, isUnchanged: true }
  }
  if (held === undefined && (await isOccupied(target))) {
    throw new DatasetError(
      `The target "${target}" is not empty and not the result of a conversion; expected a new folder`,
    )
  }

  const partial = `${target}.trainyard-partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  try {
    const report = await write(partial)
    if (strict && report.losses.length > 0) throw new LossError(report)
    await writeMarker(partial, digest, report)
    signal?.throwIfAborted()
    await replace(partial, target)
    return report
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
}

/** Throws `DatasetError` when the target would be written into a source, or a source lies in the target. */
export function checkPaths(source: string, target: string): void {
  const isInside = (inner: string, outer: string) => inner === outer || inner.startsWith(outer + sep)
  if (isInside(target, source) || isInside(source, target)) {
    throw new DatasetError(
      `The target "${target}" and the source "${source}" overlap (${relative(source, target) || '.'}); expected separate folders`,
    )
  }
}

async function isOccupied(target: string): Promise<boolean> {
  if (!existsSync(target)) return false
  const names = await readdir(target).catch(() => ['(a file)'])
  return names.length > 0
}

/** Whether the target has the files that the conversion wrote, with their sizes and dates. */
async function isWhole(target: string, { written }: ConversionMarker): Promise<boolean> {
  return (await digestWritten(target)) === written
}

/** Two renames, so that the target is never incomplete. A crash between them leaves the old result beside it. */
async function replace(partial: string, target: string): Promise<void> {
  const old = `${target}.trainyard-old`
  await rm(old, { recursive: true, force: true })
  await rename(target, old).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  })
  await rename(partial, target)
  await rm(old, { recursive: true, force: true })
}
