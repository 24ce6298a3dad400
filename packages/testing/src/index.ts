/**
 * A platform for the tests of a trainer: the real runner in this process, with faults that a seed reproduces.
 *
 * ```ts
 * import { startTestPlatform } from '@trainyard/testing'
 *
 * await using platform = await startTestPlatform({ trainerDir: '.', faults: { seed: 42 } })
 * const { job, artifacts } = await platform.runJob({ config: { epochs: 2 } })
 * ```
 *
 * @module
 */

export { type WriteTestDatasetOptions, writeTestDataset } from '@trainyard/datasets'
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
export {
  type RunTestJobOptions,
  type StartTestPlatformOptions,
  startTestPlatform,
  type TestJob,
  type TestPlatform,
} from './start-test-platform.ts'
