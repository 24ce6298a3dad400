import type { CheckStatus, JobState, Severity, TrustTier, VersionState } from '@trainyard/contract'
import { t } from '../words/t.ts'

type Tone = 'good' | 'bad' | 'busy' | 'wait' | 'warn' | 'mute'

// Each state has a sign and a word; colour alone carries no meaning.
const JOB_STATES: Record<JobState, [Tone, string, string]> = {
  pending: ['wait', '◌', 'Pending'],
  queued: ['wait', '◔', 'Queued'],
  running: ['busy', '▶', 'Running'],
  succeeded: ['good', '✓', 'Succeeded'],
  failed: ['bad', '✕', 'Failed'],
  cancelled: ['mute', '■', 'Cancelled'],
}
const VERSION_STATES: Record<VersionState, [Tone, string, string]> = {
  received: ['wait', '◌', 'Received'],
  checking: ['busy', '◔', 'Checking'],
  published: ['good', '✓', 'Published'],
  rejected: ['bad', '✕', 'Rejected'],
  deprecated: ['warn', '!', 'Deprecated'],
  yanked: ['mute', '■', 'Yanked'],
}
const TRUST_TIERS: Record<TrustTier, [Tone, string, string]> = {
  checked: ['good', '✓', 'Checked'],
  checked_in_part: ['warn', '!', 'Checked in part'],
  unchecked: ['bad', '✕', 'Not checked'],
}
const CHECK_STATUSES: Record<CheckStatus, [Tone, string, string]> = {
  waiting: ['wait', '◌', 'Waiting'],
  running: ['busy', '◔', 'Running'],
  passed: ['good', '✓', 'Passed'],
  failed: ['bad', '✕', 'Failed'],
  skipped: ['mute', '–', 'Skipped'],
  errored: ['warn', '!', 'Errored'],
}
const SEVERITIES: Record<Severity, [Tone, string, string]> = {
  error: ['bad', '✕', 'Error'],
  warning: ['warn', '!', 'Warning'],
  info: ['mute', 'i', 'Info'],
}

function Status({ look: [tone, sign, word] }: { look: [Tone, string, string] }) {
  return (
    <span class={`status ${tone}`}>
      <span class="sign" aria-hidden="true">
        {sign}
      </span>
      {t(word)}
    </span>
  )
}

export const JobStateStatus = ({ state }: { state: JobState }) => <Status look={JOB_STATES[state]} />
export const VersionStateStatus = ({ state }: { state: VersionState }) => <Status look={VERSION_STATES[state]} />
export const TrustStatus = ({ tier }: { tier: TrustTier }) => <Status look={TRUST_TIERS[tier]} />
export const CheckStatusStatus = ({ status }: { status: CheckStatus }) => <Status look={CHECK_STATUSES[status]} />
export const SeverityStatus = ({ severity }: { severity: Severity }) => <Status look={SEVERITIES[severity]} />

export const jobStateWord = (state: JobState): string => t(JOB_STATES[state][2])
