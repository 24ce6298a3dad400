import { constants } from 'node:os'
import type { ContainerInspectInfo } from 'dockerode'
import type { Observation } from '../launcher.ts'

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))

/** What the engine's view of a container means. `isLaunching`: this runner is about to start it. */
export function observationOf(state: ContainerInspectInfo['State'], isLaunching: boolean): Observation {
  switch (state.Status) {
    case 'running':
    case 'paused':
    case 'restarting':
      return { state: 'running' }
    case 'removing':
      return { state: 'absent' }
    case 'created':
      // A runner died between making and starting it, or the start failed: it counts as never launched.
      return isLaunching ? { state: 'pending', detail: 'the container is made' } : { state: 'absent' }
    default:
      return exited(state)
  }
}

function exited(state: ContainerInspectInfo['State']): Observation {
  const { ExitCode: exitCode, OOMKilled: isOutOfMemory, Error: error, FinishedAt } = state
  const signal = exitCode > 128 ? SIGNAL_NAMES.get(exitCode - 128) : undefined
  const finishedAt = new Date(FinishedAt)
  return {
    state: 'exited',
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    // Whatever the exit code: a trainer whose worker was killed for memory often ends with a code of its own.
    ...(isOutOfMemory ? { reason: 'out_of_memory' as const } : {}),
    ...(error ? { detail: error } : {}),
    // The engine writes the year 1 where it does not know.
    ...(finishedAt.getTime() > 0 ? { finishedAt } : {}),
  }
}

/** Signals by which an engine ends its containers when it stops, or starts again after a crash; 255 is one it found dead. */
const ENDED_BY_ENGINE = new Set([137, 143, 255])

/**
 * An engine that starts again kills what ran, and says only "exit code 137". What ended so before the engine's start was not
 * the trainer's own doing. (Where it was asked to stop, the supervisor knows better and does not look at this.)
 */
export function withRestart(seen: Observation, engineStartedAt: Date | undefined): Observation {
  if (!mayBeRestart(seen) || engineStartedAt === undefined) return seen
  if (seen.finishedAt !== undefined && seen.finishedAt > engineStartedAt) return seen
  return { ...seen, reason: 'node_lost', detail: 'the Docker engine was started again' }
}

export function mayBeRestart(seen: Observation): seen is Extract<Observation, { state: 'exited' }> {
  return seen.state === 'exited' && seen.reason === undefined && ENDED_BY_ENGINE.has(seen.exitCode)
}
