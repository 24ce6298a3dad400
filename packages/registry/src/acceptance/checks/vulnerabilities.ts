import type { AcceptanceCheck } from './check.ts'

/** Known vulnerabilities of the packages. */
export const vulnerabilities: AcceptanceCheck = {
  name: 'vulnerabilities',
  run: async () => ({ outcome: 'skipped', reason: 'no vulnerability scanner is configured' }),
}
