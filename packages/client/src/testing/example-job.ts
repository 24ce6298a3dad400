import type { Job } from '@trainyard/contract'

/** A running job, for tests. */
export const exampleJob: Job = {
  queue: 'default',
  priority: 0,
  id: 7,
  state: 'running',
  attempt: 1,
  operation: 'train',
  taskType: 'detection',
  trainer: { name: 'acme/yolo', version: '1.2.0', displayName: 'YOLO', digest: 'sha256:00', framework: 'torch' },
  model: 'n',
  config: { basic: { epochs: 3 }, advanced: {} },
  primaryMetric: { name: 'mAP50-95', goal: 'maximize' },
  progress: { fraction: 0.5 },
  latestMetrics: {},
  cancelRequested: false,
  maxRetries: 0,
  traceId: '0'.repeat(32),
  createdAt: '2026-11-20T09:30:00.000Z',
}
