import { expect, it } from 'vitest'
import { observationOf, withRestart } from './observe-state.ts'

const state = {
  Status: 'exited',
  Running: false,
  Paused: false,
  Restarting: false,
  OOMKilled: false,
  Dead: false,
  Pid: 0,
  ExitCode: 0,
  Error: '',
  StartedAt: '2026-01-01T00:00:00Z',
  FinishedAt: '2026-01-01T00:00:01.5Z',
}
const finishedAt = new Date('2026-01-01T00:00:01.500Z')

it.each(['running', 'paused', 'restarting'])('a container that is %s counts as running', (Status) => {
  expect(observationOf({ ...state, Status }, false)).toEqual({ state: 'running' })
})

it('a container that was created and never started counts as not launched, unless it is being launched', () => {
  expect(observationOf({ ...state, Status: 'created' }, false)).toEqual({ state: 'absent' })
  expect(observationOf({ ...state, Status: 'created' }, true)).toMatchObject({ state: 'pending' })
})

it('an exit has a code, a signal and a time', () => {
  expect(observationOf(state, false)).toEqual({ state: 'exited', exitCode: 0, finishedAt })
  expect(observationOf({ ...state, ExitCode: 143 }, false)).toMatchObject({ exitCode: 143, signal: 'SIGTERM' })
})

it('out of memory is the reason, regardless of the exit code', () => {
  for (const ExitCode of [0, 1, 137])
    expect(observationOf({ ...state, ExitCode, OOMKilled: true }, false)).toMatchObject({ reason: 'out_of_memory' })
})

it('has no end time when the engine does not know it', () => {
  expect(observationOf({ ...state, FinishedAt: '0001-01-01T00:00:00Z' }, false)).toMatchObject({
    finishedAt: undefined,
  })
})

it('a trainer that was killed before the engine’s start was lost with the engine', () => {
  const killed = observationOf({ ...state, ExitCode: 137 }, false)
  const later = new Date('2026-01-01T00:00:02Z')
  expect(withRestart(killed, later)).toMatchObject({ exitCode: 137, reason: 'node_lost' })
  expect(withRestart(killed, new Date('2026-01-01T00:00:01Z'))).toEqual(killed)
  expect(withRestart(killed, undefined)).toEqual(killed)
  const own = observationOf({ ...state, ExitCode: 1 }, false)
  expect(withRestart(own, later)).toEqual(own)
  const outOfMemory = observationOf({ ...state, ExitCode: 137, OOMKilled: true }, false)
  expect(withRestart(outOfMemory, later)).toEqual(outOfMemory)
})
