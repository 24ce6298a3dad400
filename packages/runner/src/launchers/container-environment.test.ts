import { TrainerEnvironment } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { containerEnvironment } from './container-environment.ts'
import type { LaunchRequest } from './launcher.ts'

const request: LaunchRequest = {
  jobId: 42,
  attempt: 3,
  operation: 'train',
  callbackUrl: 'http://platform:7600/v1/jobs/42',
  token: 'header.payload.signature',
  traceId: '0123456789abcdef0123456789abcdef',
  taskType: 'detection',
  framework: 'tfjs',
  model: 'tiny',
  config: { basic: { epochs: 5 }, advanced: {} },
  trainer: { type: 'image', reference: `registry.example/acme/plain@sha256:${'a'.repeat(64)}` },
  resources: {},
  networkHosts: [],
  argv: ['node', 'main.js'],
}
const options = { datasetCacheDir: '/cache', datasetCacheMaxGb: 20, isCacheFilledByRunner: true }

it('sets no PATH, so that the image’s applies, and passes the token in a file', () => {
  const { TRACEPARENT: _, ...env } = containerEnvironment(request, options).env
  expect(env).toEqual({
    HOME: '/trainyard/work',
    USER: 'trainer',
    LOGNAME: 'trainer',
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    JOB_ID: '42',
    JOB_ATTEMPT: '3',
    OPERATION: 'train',
    CALLBACK_URL: 'http://platform:7600/v1/jobs/42',
    CALLBACK_TOKEN_FILE: '/trainyard/secret/token',
    TRACE_ID: '0123456789abcdef0123456789abcdef',
    TASK_TYPE: 'detection',
    FRAMEWORK: 'tfjs',
    MODEL_NAME: 'tiny',
    CONFIG: JSON.stringify({ ...request.config, advanced_config: request.config.advanced }),
    EPOCHS: '5',
    WORK_DIR: '/trainyard/work',
    DATASET_CACHE_DIR: '/cache',
    DATASET_CACHE_MAX_GB: '20',
    DATASET_CACHE_FILLED_BY: 'platform',
  })
})

it('conforms to the contract’s schema', () => {
  expect(TrainerEnvironment.safeParse(containerEnvironment(request, options).env).error).toBeUndefined()
})

it('passes a configuration that is too long for a variable in a file', () => {
  const config = { basic: {}, advanced: { note: 'x'.repeat(100_000) } }
  const { env, configText } = containerEnvironment({ ...request, config }, options)
  expect(env).not.toHaveProperty('CONFIG')
  expect(env.CONFIG_FILE).toBe('/trainyard/secret/config.json')
  expect(JSON.parse(configText ?? '')).toEqual({ ...config, advanced_config: config.advanced })
})
