import { type CheckResult, type CheckStatus, VersionState } from '@trainyard/contract'
import type { PartKind } from '../db/schema/version-parts.ts'

/** What may follow what. A version that was published never goes back into quarantine. */
const TRANSITIONS: Readonly<Record<VersionState, readonly VersionState[]>> = {
  received: ['checking', 'rejected'],
  checking: ['checking', 'published', 'rejected'],
  published: ['deprecated', 'yanked'],
  rejected: ['received'],
  deprecated: ['published', 'yanked'],
  yanked: [],
}

/** Everybody may pull it. */
export function isOpen(state: VersionState): boolean {
  return state === 'published' || state === 'deprecated'
}

/** The states from which a version may come to this one. */
export function statesBefore(state: VersionState): VersionState[] {
  return VersionState.options.filter((before) => TRANSITIONS[before].includes(state))
}

/** The state of a version that may hold two parts: what is best about it. */
export function stateOfParts(states: readonly VersionState[]): VersionState {
  const order: readonly VersionState[] = ['published', 'deprecated', 'checking', 'received', 'yanked', 'rejected']
  return order.find((state) => states.includes(state)) ?? 'rejected'
}

/** What must have passed, by what was pushed. Not looked at is not clean: a check that is required cannot be skipped. */
const REQUIRED: Readonly<Record<PartKind, readonly string[]>> = {
  bundle: ['manifest', 'secrets', 'compliance'],
  image: ['manifest'],
}

/** The end of the acceptance, and for a rejection the sentence that everybody may read. */
export function verdictOf(
  kind: PartKind,
  results: readonly CheckResult[],
): { state: 'published'; reason: undefined } | { state: 'rejected'; reason: string } {
  const bad = results.filter(
    ({ name, status }) =>
      status === 'failed' || status === 'errored' || (status !== 'passed' && REQUIRED[kind].includes(name)),
  )
  if (bad.length === 0) return { state: 'published', reason: undefined }
  return { state: 'rejected', reason: bad.map(({ name, status }) => `the check "${name}" ${VERBS[status]}`).join(', ') }
}

const VERBS: Readonly<Record<CheckStatus, string>> = {
  waiting: 'was not made',
  running: 'did not end',
  passed: 'passed',
  failed: 'failed',
  skipped: 'was skipped',
  errored: 'could not be made',
}
