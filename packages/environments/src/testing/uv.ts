import { findUv } from '../find-uv.ts'
import { findPythons } from '../python/find-pythons.ts'

/** Why tests that make environments are skipped. Undefined: they run. */
export async function whyNoEnvironments(): Promise<string | undefined> {
  const uv = await findUv().catch(() => undefined)
  if (uv === undefined) return 'uv is not installed. Get it with: pip install uv'
  if ((await findPythons()).length === 0) return 'Python 3 is not installed'
  return undefined
}
