import type { AcceptanceCheck } from './check.ts'
import { validatePhase } from './validate-phase.ts'

/** Keys, tokens and passwords in any file. */
export const secrets: AcceptanceCheck = {
  name: 'secrets',
  async run(input, reporter, signal) {
    const { unpacked } = await input.prepare(signal)
    if (unpacked) return await validatePhase(input, 'security', reporter, signal)
    const reason =
      input.part.kind === 'bundle' ? 'the bundle was not unpacked' : 'the layers of images are not searched yet'
    return { outcome: 'skipped', reason }
  },
}
