import type { CheckResult, Trust, TrustTier } from '@trainyard/contract'
import { ALWAYS_ON } from './check-policy.ts'

/** What an operator lets strangers do with versions of each tier. */
export interface TierPolicy {
  pull: readonly TrustTier[]
  run: readonly TrustTier[]
  list: readonly TrustTier[]
}

/** The setting of the registry with this policy. */
export interface TierSettings {
  tiers?: TierPolicy | undefined
}

/**
 * What happens to the tier of a published version when a scanner finds an error in it: nothing, it is checked in part, or it
 * is unchecked. Bytes are never deleted.
 */
export const RESCAN_POLICIES = ['warn', 'lower', 'refuse'] as const
export type RescanPolicy = (typeof RESCAN_POLICIES)[number]

/** What was not checked is refused. A part whose skipped checks are named may be used: many registries have no scanner. */
export const DEFAULT_TIERS: readonly TrustTier[] = ['checked', 'checked_in_part']
export const DEFAULT_TIER_POLICY: TierPolicy = { pull: DEFAULT_TIERS, run: DEFAULT_TIERS, list: DEFAULT_TIERS }

/**
 * How far a part was checked. `unchecked`: nothing but its manifest was read, whatever is required. `checked`: every required
 * check passed. `checked_in_part`: some did.
 */
export function trustOf(results: readonly CheckResult[]): Trust {
  const skipped = results
    .filter(({ required = true, status }) => required && status !== 'passed')
    .map(({ name, status, reason }) => ({ check: name, reason: reason ?? REASONS[status] ?? 'it did not run' }))
  const looked = results.some(({ name, status }) => name !== ALWAYS_ON && status === 'passed')
  return { tier: !looked ? 'unchecked' : skipped.length === 0 ? 'checked' : 'checked_in_part', skipped }
}

const REASONS: Partial<Record<CheckResult['status'], string>> = {
  failed: 'it failed, and its errors were accepted',
  errored: 'it could not be completed',
}

/** Whether this tier is allowed. It is undefined until a part is published. */
export function isTierIn(tiers: readonly TrustTier[], trust: Trust | undefined): boolean {
  return trust !== undefined && tiers.includes(trust.tier)
}

const WEAKEST_FIRST: readonly TrustTier[] = ['unchecked', 'checked_in_part', 'checked']

/** The trust in a version with one or two parts: that of its weakest part, and what was skipped in any. */
export function trustOfParts(parts: readonly (Trust | undefined)[]): Trust | undefined {
  const known = parts.filter((trust) => trust !== undefined)
  const tier = WEAKEST_FIRST.find((candidate) => known.some((trust) => trust.tier === candidate))
  if (tier === undefined) return undefined
  const skipped = new Map(known.flatMap((trust) => trust.skipped).map((skip) => [skip.check, skip]))
  return { tier, skipped: [...skipped.values()] }
}
