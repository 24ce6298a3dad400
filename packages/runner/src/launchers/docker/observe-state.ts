import { constants } from 'node:os'
import type { Exited, Observation } from '../launcher.ts'
import type { ContainerState } from './engine-client.ts'

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))

/** Translates the engine's state of a container. `isLaunching`: this runner is about to start it. */
export function observationOf(state: ContainerState, isLaunching: boolean): Observation {
  switch (state.Status) {
    case 'running':
    case 'paused':
    case 'restarting':
      return { state: 'running' }
    case 'removing':
      return { state: 'absent' }
    case 'created':
      // A runner died before the start, or the start failed: the attempt counts as not launched.
      return isLaunching ? { state: 'pending', detail: 'creating the container' } : { state: 'absent' }
    default:
      return exited(state)
  }
}

function exited(state: ContainerState): Observation {
  const { ExitCode: exitCode, OOMKilled: isOutOfMemory, Error: error, FinishedAt } = state
  const finishedAt = new Date(FinishedAt)
  return {
    state: 'exited',
    exitCode,
    signal: exitCode > 128 ? SIGNAL_NAMES.get(exitCode - 128) : undefined,
    // Regardless of the exit code: a trainer whose worker ran out of memory often exits with a code of its own.
    reason: isOutOfMemory ? 'out_of_memory' : undefined,
    detail: error || undefined,
    // The engine writes the year 1 when it does not know the time.
    finishedAt: finishedAt.getTime() > 0 ? finishedAt : undefined,
  }
}

/** Exit codes of containers that the engine ends when it stops. 255: it found the container dead after a crash. */
const ENDED_BY_ENGINE = new Set([137, 143, 255])

/**
 * An engine that restarts kills its containers and reports exit code 137 only. A container that ended so before the engine's
 * start did not fail by its own fault. If the supervisor had asked it to stop, the supervisor does not use this result.
 */
export function withRestart(seen: Observation, engineStartedAt: Date | undefined): Observation {
  if (!isPossibleRestart(seen) || engineStartedAt === undefined) return seen
  if (seen.finishedAt !== undefined && seen.finishedAt > engineStartedAt) return seen
  return { ...seen, reason: 'node_lost', detail: 'the Docker engine was restarted' }
}

export function isPossibleRestart(seen: Observation): seen is Exited {
  return seen.state === 'exited' && seen.reason === undefined && ENDED_BY_ENGINE.has(seen.exitCode)
}
