import { type CheckResult, type CheckStatus, VersionState } from '@trainyard/contract'
import type { PartKind } from '../db/schema/version-parts.ts'
import { ALWAYS_ON } from './check-policy.ts'

/** The allowed transitions. A published version never returns to quarantine. */
const TRANSITIONS: Readonly<Record<VersionState, readonly VersionState[]>> = {
  received: ['checking', 'rejected'],
  checking: ['checking', 'published', 'rejected'],
  published: ['deprecated', 'yanked'],
  rejected: ['received'],
  deprecated: ['published', 'yanked'],
  yanked: ['published', 'deprecated'],
}

/** The states of versions that everyone sees in lists, and that ranges resolve to. */
export const LISTED_STATES: readonly VersionState[] = ['published', 'deprecated']

export function isOpen(state: VersionState): boolean {
  return LISTED_STATES.includes(state)
}

/** The states in which strangers may read a part by its digest. What is yanked is no longer listed, but pulls of it still work. */
export const READABLE_STATES: readonly VersionState[] = ['published', 'deprecated', 'yanked']

/** The states from which a version may enter `state`. */
export function statesBefore(state: VersionState): VersionState[] {
  return VersionState.options.filter((before) => TRANSITIONS[before].includes(state))
}

/** The state of a published part, by what the owner says of its version. */
export function noticedState(
  notice: { deprecation: string | null; yank_reason: string | null } | undefined,
): 'published' | 'deprecated' | 'yanked' {
  if (notice === undefined) return 'published'
  if (notice.yank_reason !== null) return 'yanked'
  return notice.deprecation === null ? 'published' : 'deprecated'
}

/** The state of a version with one or two parts: the most advanced state of its parts. */
export function stateOfParts(states: readonly VersionState[]): VersionState {
  const order: readonly VersionState[] = ['published', 'deprecated', 'checking', 'received', 'yanked', 'rejected']
  return order.find((state) => states.includes(state)) ?? 'rejected'
}

/** Decides whether a part is published. Everyone can read the reason of a rejection. */
export function verdictOf(
  kind: PartKind,
  results: readonly CheckResult[],
): { state: 'published'; reason: undefined } | { state: 'rejected'; reason: string } {
  const failing = results.filter((result) => isFailing(kind, result))
  if (failing.length === 0) return { state: 'published', reason: undefined }
  return {
    state: 'rejected',
    reason: failing.map(({ name, status }) => `the check "${name}" ${DESCRIPTIONS[status]}`).join(', '),
  }
}

/**
 * A skipped check does not count as passed: a bundle's required checks must pass, and every part needs its manifest. A required
 * check of an image that did not run lowers its tier of trust instead, because running an image needs a container engine.
 */
function isFailing(kind: PartKind, { name, status, enforced = true, required = false }: CheckResult): boolean {
  if (status === 'failed' || status === 'errored') return enforced
  return status !== 'passed' && (name === ALWAYS_ON || (kind === 'bundle' && required && enforced))
}

const DESCRIPTIONS: Readonly<Record<CheckStatus, string>> = {
  waiting: 'did not run',
  running: 'did not finish',
  passed: 'passed',
  failed: 'failed',
  skipped: 'was skipped',
  errored: 'could not be completed',
}
