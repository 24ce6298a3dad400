import { dirname } from 'node:path'
import { BASIC_CONFIG_VARIABLES, bridgeArguments, TrainerEnvironment } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import type { LaunchRequest } from '../launcher.ts'
import { limitsOf } from './limits.ts'
import { BECOME_TRAINER, SHIM } from './shim.ts'
import { attemptName, parseAttemptName, processSpec } from './spec.ts'

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

const limits = limitsOf(request.resources, undefined)

describe('the process of an attempt', () => {
  it('gets the contract’s environment and nothing else', () => {
    const { TRACEPARENT, ...env } = processSpec(request, config, { limits }).env
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
      CALLBACK_TOKEN_FILE: '/data/attempts/trainyard-42-3/input/token',
      TRACE_ID: '0123456789abcdef0123456789abcdef',
      TASK_TYPE: 'detection',
      FRAMEWORK: 'tfjs',
      MODEL_NAME: 'tiny',
      CONFIG: JSON.stringify({ ...request.config, advanced_config: request.config.advanced }),
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
      DATASET_CACHE_FILLED_BY: 'platform',
    })
  })

  it('is the bridge, in front of the program, if the manifest asks for it', () => {
    const bridge = bridgeArguments({
      dataset: 'yolo',
      pixels: 'rgb',
      ownDataset: true,
      graceSeconds: 5,
      allowNaN: true,
    })
    const { args } = processSpec({ ...request, argv: ['python', 'train.py'], bridge }, config, { limits })
    expect(args.slice(args.indexOf('trainyard'))).toEqual(
      'trainyard exec --as yolo --own --pixels rgb --grace 5 --allow-nan -- python train.py'.split(' '),
    )
  })

  it('gets an environment that conforms to the contract’s schema', () => {
    expect(TrainerEnvironment.safeParse(processSpec(request, config, { limits }).env).error).toBeUndefined()
  })

  it('gets no variable for a setting that the job does not have', () => {
    const { dataset: _, ...bare } = { ...request, config: { basic: {}, advanced: {} } }
    const { env } = processSpec(bare, config, { limits })
    for (const name of [...Object.keys(BASIC_CONFIG_VARIABLES), 'DATASET_ID', 'SNAPSHOT_ID', 'EXPORT_FORMAT'])
      expect(env).not.toHaveProperty(name)
  })

  it('reads a configuration that is too long for a variable from a file', () => {
    const long = { basic: {}, advanced: { note: 'x'.repeat(100_000) } }
    const spec = processSpec({ ...request, config: long }, config, { limits })
    expect(spec.env).not.toHaveProperty('CONFIG')
    expect(spec.env.CONFIG_FILE).toBe('/data/attempts/trainyard-42-3/input/config.json')
    expect(JSON.parse(spec.configText ?? '')).toEqual({ ...long, advanced_config: long.advanced })
  })

  it('runs the entry point in the trainer’s folder, passed to the shim as arguments and not as script text', () => {
    const { file, args, cwd } = processSpec(request, config, { limits })
    expect({ file, args, cwd }).toEqual({
      file: '/bin/sh',
      args: [
        ...['-c', SHIM, 'trainyard-shim', '/data/attempts/trainyard-42-3', '0', '8192', '0'],
        ...['/bin/sh', '-c', BECOME_TRAINER, 'trainyard-start', 'node', 'dist/main.js', '--flag'],
      ],
      cwd: '/data/bundles/sha256-abc',
    })
  })

  it('sees the devices that are assigned to it, or all if devices are not assigned', () => {
    expect(processSpec(request, config, { limits, devices: ['0', '3'] }).env.CUDA_VISIBLE_DEVICES).toBe('0,3')
    expect(processSpec(request, config, { limits, devices: [] }).env.CUDA_VISIBLE_DEVICES).toBe('')
    expect(processSpec(request, config, { limits }).env).not.toHaveProperty('CUDA_VISIBLE_DEVICES')
  })

  it('is identified by its name', () => {
    expect(parseAttemptName(attemptName(request))).toEqual({ jobId: 42, attempt: 3 })
    for (const name of ['host-id', 'trainyard-', 'trainyard-1-x', 'xtrainyard-1-1'])
      expect(parseAttemptName(name)).toBeUndefined()
  })
})
