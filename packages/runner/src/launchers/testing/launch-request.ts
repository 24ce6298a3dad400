import type { LaunchRequest } from '../launcher.ts'

/** A request of the first attempt of job 1, with what the test gives. */
export function launchRequest(given: Pick<LaunchRequest, 'trainer' | 'argv'> & Partial<LaunchRequest>): LaunchRequest {
  return {
    jobId: 1,
    attempt: 1,
    operation: 'train',
    callbackUrl: 'http://127.0.0.1:7999/v1/jobs/1',
    token: 'a-token',
    traceId: '0123456789abcdef0123456789abcdef',
    taskType: 'detection',
    framework: 'none',
    model: 'tiny',
    config: { basic: {}, advanced: {} },
    resources: {},
    networkHosts: [],
    ...given,
  }
}
