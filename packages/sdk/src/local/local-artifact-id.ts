import { createHash } from 'node:crypto'
import { relative } from 'node:path'

/** The contract's limit. */
const MAX_LENGTH = 64

/**
 * The id of an artifact of a local run: its relative path, or its name when the path is too long for an id, or the start of the
 * path's SHA-256. A deep current folder must not fail a training.
 */
export function localArtifactId(target: string, name: string, cwd: string = process.cwd()): string {
  const path = relative(cwd, target)
  const short = [path, name].find((text) => text !== '' && text.length <= MAX_LENGTH)
  return short ?? createHash('sha256').update(path).digest('hex').slice(0, 32)
}
