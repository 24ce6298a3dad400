import type { AcceptanceCheck } from './check.ts'

/** The list of the packages that a part contains. */
export const sbom: AcceptanceCheck = {
  name: 'sbom',
  run: async () => ({ outcome: 'skipped', reason: 'the packages are not listed yet' }),
}
