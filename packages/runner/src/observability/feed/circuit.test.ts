import { describe, expect, it } from 'vitest'
import { createCircuit } from './circuit.ts'

describe('a circuit', () => {
  it('opens after consecutive failures, allows one call after a pause, and waits longer each time', () => {
    let time = 0
    const circuit = createCircuit({ threshold: 3, pauseMs: 100, maxPauseMs: 250, now: () => time })
    circuit.failed()
    circuit.failed()
    circuit.succeeded()
    circuit.failed()
    circuit.failed()
    expect(circuit.mayTry()).toBe(true)
    circuit.failed()
    expect([circuit.isOpen, circuit.mayTry()]).toEqual([true, false])
    // Failures of calls that were in progress do not lengthen the pause.
    circuit.failed()
    time = 100
    expect([circuit.mayTry(), circuit.mayTry()]).toEqual([true, false])
    circuit.failed()
    time = 299
    expect(circuit.mayTry()).toBe(false)
    time = 300
    expect(circuit.mayTry()).toBe(true)
    circuit.failed()
    time = 549
    expect(circuit.mayTry()).toBe(false)
    time = 550
    expect(circuit.mayTry()).toBe(true)
    circuit.succeeded()
    expect([circuit.isOpen, circuit.mayTry(), circuit.mayTry()]).toEqual([false, true, true])
  })
})
