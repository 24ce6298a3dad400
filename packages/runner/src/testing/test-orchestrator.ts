import type { TemporalConfig } from '../config/orchestrators.ts'
import type { RunnerConfig } from '../config.ts'

/** The server of the tests. Says out loud what is skipped without one. */
export function testTemporal(): TemporalConfig | undefined {
  const address = process.env.TEMPORAL_ADDRESS
  if (address !== undefined) return { address, namespace: process.env.TEMPORAL_NAMESPACE ?? 'default', tls: false }
  console.warn(
    'SKIPPED: tests with Temporal. Start a server (temporal server start-dev) and set TEMPORAL_ADDRESS to its HOST:PORT',
  )
  return undefined
}

/** The orchestrator of the runners under test: `TEST_ORCHESTRATOR`, or the default. */
export function testOrchestrator(): Pick<RunnerConfig, 'orchestrator' | 'temporal'> {
  return process.env.TEST_ORCHESTRATOR === 'temporal' ? { orchestrator: 'temporal', temporal: testTemporal() } : {}
}
