/**
 * Ways to make a platform misbehave, for tests of trainers and of what receives them.
 *
 * ```ts
 * import { createFaults } from '@trainyard/sdk/testing'
 *
 * const faults = createFaults({ seed: 42 })
 * const fetch = faults.wrap(app.fetch)
 * ```
 *
 * @module
 */

export {
  type CreateFaultsOptions,
  createFaults,
  type FaultClock,
  type FaultLogEntry,
  type Faults,
  type Handler,
} from './create-faults.ts'
export {
  type CreateFaultScriptOptions,
  createFaultScript,
  FAULT_TYPES,
  type Fault,
  type FaultScript,
  type FaultType,
} from './fault-script.ts'
