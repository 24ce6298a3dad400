import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Whether a module is the program that Node was started with, also through the link that npm makes for a `bin`:
 * `if (isMain(import.meta.url)) …`. (`import.meta.main` is not there before Node 24.)
 */
export function isMain(moduleUrl: string): boolean {
  const program = process.argv[1]
  if (program === undefined) return false
  try {
    return realpathSync(program) === fileURLToPath(moduleUrl)
  } catch {
    return false
  }
}
