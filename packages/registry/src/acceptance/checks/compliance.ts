import { rejects } from '../../versions/check-results.ts'
import type { AcceptanceCheck } from './check.ts'
import { runImage } from './run-image.ts'
import { validatePhase } from './validate-phase.ts'

/** Runs the trainer on a tiny dataset. It is the last check: what another check has refused is not run. */
export const compliance: AcceptanceCheck = {
  name: 'compliance',
  async run(input, reporter, signal) {
    const { unpacked } = await input.prepare(signal)
    if (!unpacked && input.part.kind === 'bundle') return { outcome: 'skipped', reason: 'the bundle was not unpacked' }
    const refused = input.earlier.find(rejects)
    if (refused) return { outcome: 'skipped', reason: `the check "${refused.name}" failed, so the trainer is not run` }
    return input.part.kind === 'bundle'
      ? await validatePhase(input, 'compliance', reporter, signal)
      : await runImage(input, reporter, signal)
  },
}
