import { createHash } from 'node:crypto'
import { relative } from 'node:path'

/** The contract's limit. */
const MAX_LENGTH = 64

/**
 * The id of a file that a local run keeps: its path as a person here would type it, unless that is longer than an id may
 * be; then its name, or the beginning of the path's SHA-256. How deep the current folder lies must not fail a training.
 */
export function localArtifactId(target: string, name: string, cwd: string = process.cwd()): string {
  const path = relative(cwd, target)
  const short = [path, name].find((text) => text !== '' && text.length <= MAX_LENGTH)
  return short ?? createHash('sha256').update(path).digest('hex').slice(0, 32)
}
