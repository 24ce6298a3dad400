import { dirname } from 'node:path'
import { BASIC_CONFIG_VARIABLES, TrainerEnvironment } from '@trainyard/sdk/contract'
import { describe, expect, it } from 'vitest'
import type { LaunchRequest } from '../launcher.ts'
import { attemptName, parseAttemptName, processSpec, SHIM } from './spec.ts'

const config = { attemptsDir: '/data/attempts', datasetCacheDir: '/data/datasets', datasetCacheMaxGb: 20 }
const request: LaunchRequest = {
  jobId: 42,
  attempt: 3,
  operation: 'train',
  callbackUrl: 'http://127.0.0.1:7600/v1/jobs/42',
  token: 'header.payload.signature',
  traceId: '0123456789abcdef0123456789abcdef',
  taskType: 'detection',
  framework: 'tfjs',
  model: 'tiny',
  config: {
    basic: { epochs: 5, batch: 16, learning_rate: 0.01, imgsz: 640, device: 'cpu', optimizer: 'adam' },
    advanced: { warmup: 2 },
  },
  dataset: { id: 'ds_1', snapshotId: 'snap_1', versionHash: 'a'.repeat(64) },
  trainer: { type: 'folder', dir: '/data/bundles/sha256-abc' },
  resources: {},
  networkHosts: [],
  argv: ['node', 'dist/main.js', '--flag'],
}

describe('the process of an attempt', () => {
  it('gets exactly the contract’s environment', () => {
    const { TRACEPARENT, ...env } = processSpec(request, config).env
    expect(TRACEPARENT).toMatch(/^00-0123456789abcdef0123456789abcdef-[0-9a-f]{16}-01$/)
    expect(env).toEqual({
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: '/data/attempts/trainyard-42-3/work',
      TMPDIR: '/data/attempts/trainyard-42-3/work/tmp',
      LANG: 'C.UTF-8',
      JOB_ID: '42',
      JOB_ATTEMPT: '3',
      OPERATION: 'train',
      CALLBACK_URL: 'http://127.0.0.1:7600/v1/jobs/42',
      CALLBACK_TOKEN: 'header.payload.signature',
      TRACE_ID: '0123456789abcdef0123456789abcdef',
      TASK_TYPE: 'detection',
      FRAMEWORK: 'tfjs',
      MODEL_NAME: 'tiny',
      CONFIG: JSON.stringify(request.config),
      EPOCHS: '5',
      BATCH_SIZE: '16',
      LEARNING_RATE: '0.01',
      IMGSZ: '640',
      DEVICE: 'cpu',
      DATASET_ID: 'ds_1',
      SNAPSHOT_ID: 'snap_1',
      DATASET_VERSION_HASH: 'a'.repeat(64),
      WORK_DIR: '/data/attempts/trainyard-42-3/work',
      DATASET_CACHE_DIR: '/data/datasets',
      DATASET_CACHE_MAX_GB: '20',
    })
  })

  it('gets an environment that the contract’s schema accepts', () => {
    expect(TrainerEnvironment.safeParse(processSpec(request, config).env).error).toBeUndefined()
  })

  it('gets no variable for a setting that the job does not have', () => {
    const { dataset: _, ...bare } = { ...request, config: { basic: {}, advanced: {} } }
    const { env } = processSpec(bare, config)
    for (const name of [...Object.keys(BASIC_CONFIG_VARIABLES), 'DATASET_ID', 'SNAPSHOT_ID', 'EXPORT_FORMAT'])
      expect(env).not.toHaveProperty(name)
  })

  it('reads settings that are too long for a variable from a file', () => {
    const long = { basic: {}, advanced: { note: 'x'.repeat(100_000) } }
    const spec = processSpec({ ...request, config: long }, config)
    expect(spec.env).not.toHaveProperty('CONFIG')
    expect(spec.env.CONFIG_FILE).toBe('/data/attempts/trainyard-42-3/config.json')
    expect(JSON.parse(spec.configText ?? '')).toEqual(long)
  })

  it('runs the entry point in the trainer’s folder, through the shim, as arguments and never as text', () => {
    const { file, args, cwd } = processSpec(request, config)
    expect({ file, args, cwd }).toEqual({
      file: '/bin/sh',
      args: ['-c', SHIM, 'trainyard-shim', '/data/attempts/trainyard-42-3', 'node', 'dist/main.js', '--flag'],
      cwd: '/data/bundles/sha256-abc',
    })
  })

  it('is found again by its name', () => {
    expect(parseAttemptName(attemptName(request))).toEqual({ jobId: 42, attempt: 3 })
    for (const name of ['host-id', 'trainyard-', 'trainyard-1-x', 'xtrainyard-1-1'])
      expect(parseAttemptName(name)).toBeUndefined()
  })
})
