import { describe, expect, it } from 'vitest'
import { decideStep, type StepInput } from './decide-step.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))
const input = (over: Partial<StepInput['attempt']>, rest: Partial<Omit<StepInput, 'attempt'>> = {}): StepInput => ({
  job: { attempt: 1, deadline_seconds: null },
  attempt: {
    attempt: 1,
    closed_at: null,
    end_reason: null,
    launched_at: at(0),
    running_since: at(0),
    heard_at: at(1),
    last_heard_at: at(10),
    stop_requested_at: null,
    stop_reason: null,
    ...over,
  },
  observation: { state: 'running' },
  now: at(20),
  listeningSince: at(0),
  settings: {
    heartbeatTimeoutSeconds: 60,
    startTimeoutSeconds: 30,
    cancelGraceSeconds: 15,
    pendingTimeoutSeconds: 600,
  },
  ...rest,
})

describe('decideStep', () => {
  it('waits while the trainer reports', () => {
    expect(decideStep(input({}))).toEqual({ type: 'wait' })
  })

  it('ends an attempt that stopped reporting, except while the runner itself could not receive reports', () => {
    expect(decideStep(input({}, { now: at(71) }))).toMatchObject({ type: 'end', end: { reason: 'heartbeat_lost' } })
    expect(decideStep(input({}, { now: at(71), listeningSince: at(40) }))).toEqual({ type: 'wait' })
  })

  it('ends an attempt that never reported', () => {
    const silent = { heard_at: null, last_heard_at: null }
    expect(decideStep(input(silent))).toEqual({ type: 'wait' })
    expect(decideStep(input(silent, { now: at(31) }))).toMatchObject({ type: 'end', end: { reason: 'start_timeout' } })
  })

  it('does not count the time before the launcher starts the trainer', () => {
    const waiting = { heard_at: null, last_heard_at: null, running_since: null }
    const job = { attempt: 1, deadline_seconds: 20 }
    const observation = { state: 'pending', detail: '0/3 nodes are available' } as const
    expect(decideStep(input(waiting, { job, observation, now: at(300) }))).toEqual({ type: 'wait' })
    expect(decideStep(input(waiting, { job, observation, now: at(601) }))).toMatchObject({
      type: 'end',
      end: { reason: 'queued_too_long', error: { message: expect.stringContaining('0/3 nodes') } },
    })
    const running = { ...waiting, running_since: at(300) }
    expect(decideStep(input(running, { now: at(329) }))).toEqual({ type: 'wait' })
    expect(decideStep(input(running, { now: at(331) }))).toMatchObject({ end: { reason: 'start_timeout' } })
    expect(decideStep(input(running, { job, now: at(321) }))).toEqual({ type: 'ask-to-stop', reason: 'deadline' })
  })

  it('asks the trainer to stop at its deadline, counted from its first report', () => {
    const job = { attempt: 1, deadline_seconds: 30 }
    expect(decideStep(input({}, { job, now: at(30) }))).toEqual({ type: 'wait' })
    expect(decideStep(input({}, { job, now: at(31) }))).toEqual({ type: 'ask-to-stop', reason: 'deadline' })
  })

  it('stops with the grace period once a stop is requested', () => {
    const asked = { stop_requested_at: at(15), stop_reason: 'cancelled' as const }
    expect(decideStep(input(asked))).toEqual({ type: 'stop', graceMs: 15_000 })
  })

  it('lets the process of an ended attempt exit within the grace period', () => {
    const over = { closed_at: at(10), end_reason: 'completed' as const }
    expect(decideStep(input(over))).toEqual({ type: 'wait' })
    expect(decideStep(input(over, { now: at(25) }))).toEqual({ type: 'stop', graceMs: 15_000 })
    expect(decideStep(input({ ...over, end_reason: 'heartbeat_lost' }))).toMatchObject({ type: 'stop' })
  })

  it('settles an exit, however the attempt ended', () => {
    const observation = { state: 'exited', exitCode: 1 } as const
    expect(decideStep(input({}, { observation }))).toEqual({ type: 'settle', exit: observation })
    expect(decideStep(input({ closed_at: at(5) }, { observation }))).toEqual({ type: 'settle', exit: observation })
  })

  it('ends a lost process as a lost node, unless it was being stopped', () => {
    const observation = { state: 'lost' } as const
    expect(decideStep(input({}, { observation }))).toMatchObject({ type: 'end', end: { reason: 'node_lost' } })
    expect(decideStep(input({ stop_reason: 'cancelled' }, { observation }))).toMatchObject({
      end: { reason: 'cancelled_by_user' },
    })
    expect(decideStep(input({ closed_at: at(5) }, { observation }))).toEqual({ type: 'clean' })
  })

  it('launches an attempt whose launch was recorded but did not happen', () => {
    const observation = { state: 'absent' } as const
    expect(decideStep(input({ heard_at: null, last_heard_at: null }, { observation }))).toEqual({ type: 'launch' })
    expect(decideStep(input({}, { observation }))).toMatchObject({ type: 'end', end: { reason: 'node_lost' } })
  })

  it('ends an attempt that was cancelled between the record of its launch and the launch', () => {
    const asked = { heard_at: null, last_heard_at: null, stop_requested_at: at(15), stop_reason: 'cancelled' as const }
    expect(decideStep(input(asked, { observation: { state: 'absent' } }))).toMatchObject({
      type: 'end',
      end: { reason: 'cancelled_by_user' },
    })
  })

  it('cleans up an attempt that a newer one has replaced', () => {
    const job = { attempt: 2, deadline_seconds: null }
    expect(decideStep(input({}, { job, observation: { state: 'absent' } }))).toEqual({ type: 'clean' })
  })
})
