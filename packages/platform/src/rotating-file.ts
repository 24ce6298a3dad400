import { closeSync, copyFileSync, fstatSync, openSync, renameSync, statSync, truncateSync, writeSync } from 'node:fs'

export interface RotationOptions {
  /** A file of this size is replaced by an empty one. Default: 10 MB. */
  maxBytes?: number | undefined
  /** How many older files are kept, as `NAME.1` (the newest), `NAME.2` … Default: 3. */
  generations?: number | undefined
}

/** A log file of limited size that only this user can read. Each line is written before the call returns. */
export function openRotatingFile(
  path: string,
  { maxBytes = 10_000_000, generations = 3 }: RotationOptions = {},
): { write(text: string): void } {
  const open = () => openSync(path, 'a', 0o600)
  let file = open()
  let size = fstatSync(file).size
  return {
    write(text) {
      if (size >= maxBytes) {
        closeSync(file)
        shiftGenerations(path, generations)
        renameSync(path, `${path}.1`)
        file = open()
        size = 0
      }
      size += writeSync(file, text)
    },
  }
}

/**
 * Rotates a file that another process appends to. It keeps its file open, so the content is copied and cut; what is written
 * between the two is lost.
 */
export function rotateByCopy(path: string, { maxBytes = 10_000_000, generations = 3 }: RotationOptions = {}): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size < maxBytes) return false
  shiftGenerations(path, generations)
  copyFileSync(path, `${path}.1`)
  truncateSync(path, 0)
  return true
}

/** Makes room for `NAME.1`. */
function shiftGenerations(path: string, generations: number): void {
  for (let number = generations - 1; number >= 1; number--) {
    const from = `${path}.${number}`
    if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, `${path}.${number + 1}`)
  }
}
