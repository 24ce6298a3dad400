import type { CheckName } from '@trainyard/contract'
import { LayerRefused } from '@trainyard/validator/image'
import { createCheckPolicy } from '../../versions/check-policy.ts'
import { ScannerUnavailable } from '../scanners/errors.ts'
import type { CheckEnd, CheckInput } from './check.ts'

/**
 * How a check ends that could not scan. A scanner that does not answer is waited for if the operator requires the check, and
 * otherwise the check is skipped: never passed.
 */
export function whyNotScanned({ context }: CheckInput, name: CheckName, error: unknown): CheckEnd {
  if (error instanceof LayerRefused)
    return { outcome: 'skipped', reason: `not scanned: a layer ${error.message}`.slice(0, 1000) }
  if (!(error instanceof ScannerUnavailable)) throw error
  return unavailable(context.config.checkPolicy ?? createCheckPolicy(), name, error.message)
}

/** The same for a scanner that answers, but cannot be relied on, for example because its database is old. */
export function unavailable(policy: ReturnType<typeof createCheckPolicy>, name: CheckName, reason: string): CheckEnd {
  return policy[name].required
    ? { outcome: 'errored', reason: `not scanned: ${reason}`, fault: 'platform' }
    : { outcome: 'skipped', reason: `not scanned: ${reason}` }
}
