import type { LossCounter } from '../report/loss-counter.ts'
import type { FileListing } from './list-files.ts'

/** Counts what a listing of the dataset leaves out. */
export function countSkipped(listing: FileListing, losses: LossCounter): void {
  for (const path of listing.skipped) losses.add('image-unsafe-path', path)
  for (const path of listing.ignored) losses.add('folder-ignored', path)
}
