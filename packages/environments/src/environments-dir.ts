import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from './python/find-pythons.ts'

/** Where the environments of a user are, for all trainers: `PYTHON_ENVIRONMENTS_DIR`, or in the user's cache. */
export function environmentsDir(env: Environment): string {
  const cache = env.XDG_CACHE_HOME || join(env.HOME ?? homedir(), '.cache')
  return env.PYTHON_ENVIRONMENTS_DIR || join(cache, 'trainyard', 'environments')
}
