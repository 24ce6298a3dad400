import { END_REASONS, type EndReason } from '@trainyard/contract'
import type { ExperimentEnd } from '../adapter.ts'

/** The state of an attempt that ended with a reason. */
export const END_STATES = Object.fromEntries(
  Object.entries(END_REASONS).map(([reason, { state }]) => [reason, state]),
) as Record<EndReason, ExperimentEnd['state']>
