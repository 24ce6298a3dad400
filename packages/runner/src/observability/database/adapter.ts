import type { ObservabilityAdapter } from '../adapter.ts'

/** The runner stores everything anyway. This backend adds the link to the job's own page. */
export function createDatabaseAdapter(): ObservabilityAdapter {
  const nothing = async () => undefined
  return {
    name: 'database',
    takes: { metrics: false, artifacts: false, lines: false },
    start: async (info) => ({ url: info.jobUrl }),
    logParams: nothing,
    logMetrics: nothing,
    logArtifact: nothing,
    logLines: nothing,
    finish: nothing,
    link: (handle) => (typeof handle.url === 'string' ? handle.url : undefined),
  }
}
