import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Whether a module is the program that Node was started with, also through the link that npm creates for a `bin`:
 * `if (isMain(import.meta.url)) …`. (Node has `import.meta.main` only since version 24.)
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
