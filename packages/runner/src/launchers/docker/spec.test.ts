import { describe, expect, it } from 'vitest'
import type { LaunchRequest } from '../launcher.ts'
import { readDockerConfig } from './config.ts'
import { attemptLabels, attemptName, parseLabels } from './names.ts'
import { containerSpec, type DockerSpecOptions, diskLimitOf, networkSpec } from './spec.ts'

const MB = 1024 ** 2
const instanceId = '0f8fad5b-d9cb-469f-a165-70867728950e'
const reference = `registry.example/acme/plain@sha256:${'a'.repeat(64)}`
const optionsOf = (env: Record<string, string> = {}, datasetCache?: string): DockerSpecOptions => ({
  config: readDockerConfig(env),
  instanceId,
  datasetCacheMaxGb: 20,
  datasetCache,
  engineCpus: 4,
})
const request: LaunchRequest = {
  jobId: 42,
  attempt: 3,
  operation: 'train',
  callbackUrl: 'http://host.docker.internal:7600/v1/jobs/42',
  token: 'header.payload.signature',
  traceId: '0123456789abcdef0123456789abcdef',
  taskType: 'detection',
  framework: 'tfjs',
  model: 'tiny',
  config: { basic: { epochs: 5 }, advanced: {} },
  trainer: { type: 'image', reference },
  resources: {},
  networkHosts: [],
  argv: ['node', 'dist/main.js', '--flag'],
}
const hostConfigOf = (over: Partial<LaunchRequest> = {}, env: Record<string, string> = {}) =>
  containerSpec({ ...request, ...over }, optionsOf(env)).create.HostConfig
const filesOf = (over: Partial<LaunchRequest> = {}, env: Record<string, string> = {}) => {
  const { dir, entries } = containerSpec({ ...request, ...over }, optionsOf(env)).files
  return {
    dir,
    entries: entries.map(({ header, body }) => [header.name, header.mode?.toString(8), header.uid, header.gid, body]),
  }
}

describe('the container of an attempt', () => {
  it('starts the bridge from a volume that it cannot change, if the manifest asks for it', () => {
    const bridge = { name: 'trainyard-bridge-1', command: ['/trainyard-bridge/node', '/trainyard-bridge/main.js'] }
    const behind = { ...request, argv: ['python', 'train.py'], bridge: ['exec', '--'] }
    const { create } = containerSpec(behind, { ...optionsOf(), bridge })
    expect([create.Entrypoint, create.Cmd]).toEqual([
      ['/trainyard-bridge/node'],
      ['/trainyard-bridge/main.js', 'exec', '--', 'python', 'train.py'],
    ])
    expect(create.HostConfig?.Mounts).toContainEqual(
      expect.objectContaining({ Source: 'trainyard-bridge-1', Target: '/trainyard-bridge', ReadOnly: true }),
    )
    const { create: plain } = containerSpec(request, { ...optionsOf(), bridge })
    expect(plain.HostConfig?.Mounts?.map(({ Target }) => Target)).not.toContain('/trainyard-bridge')
  })

  it('has these options', () => {
    const { Env, ...create } = containerSpec(request, optionsOf({}, '/data/datasets')).create
    const labels = {
      'dev.trainyard.instance': instanceId,
      'dev.trainyard.job': '42',
      'dev.trainyard.attempt': '3',
    }
    expect(create).toEqual({
      name: 'trainyard-42-3-0f8fad5b',
      Image: reference,
      Entrypoint: ['node'],
      Cmd: ['dist/main.js', '--flag'],
      Labels: labels,
      User: '10001:10001',
      Healthcheck: { Test: ['NONE'] },
      StopSignal: 'SIGTERM',
      HostConfig: {
        Init: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': `rw,nosuid,nodev,size=${256 * MB},mode=1777` },
        Mounts: [
          {
            Type: 'volume',
            Source: 'trainyard-42-3-0f8fad5b',
            Target: '/trainyard',
            VolumeOptions: { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: {} } },
          },
          {
            Type: 'bind',
            Source: '/data/datasets',
            Target: '/trainyard/datasets',
            ReadOnly: true,
          },
        ],
        Memory: 4096 * MB,
        MemorySwap: 4096 * MB,
        PidsLimit: 1024,
        ShmSize: 1024 * MB,
        IpcMode: 'private',
        Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
        NetworkMode: 'trainyard-42-3-0f8fad5b',
        ExtraHosts: ['host.docker.internal:host-gateway'],
        LogConfig: { Type: 'json-file', Config: { 'max-size': '50m', 'max-file': '2' } },
        RestartPolicy: { Name: 'no' },
      },
    })
    expect(Env).toEqual(
      expect.arrayContaining([
        'JOB_ID=42',
        'CALLBACK_URL=http://host.docker.internal:7600/v1/jobs/42',
        'CALLBACK_TOKEN_FILE=/trainyard/secret/token',
        'WORK_DIR=/trainyard/work',
        'TMPDIR=/trainyard/work/tmp',
        'DATASET_CACHE_DIR=/trainyard/datasets',
        'DATASET_CACHE_FILLED_BY=platform',
      ]),
    )
  })

  it('does not contain the token', () => {
    expect(JSON.stringify(containerSpec(request, optionsOf()).create)).not.toContain(request.token)
  })

  it('starts with its folders and secrets, which only its user can read', () => {
    const long = { basic: {}, advanced: { note: 'x'.repeat(100_000) } }
    expect(filesOf({ config: long }, { DOCKER_USER: '1000:2000' })).toEqual({
      dir: '/trainyard',
      entries: [
        ['work/', '700', 1000, 2000, undefined],
        ['work/tmp/', '700', 1000, 2000, undefined],
        ['secret/', '500', 1000, 2000, undefined],
        ['secret/token', '400', 1000, 2000, request.token],
        ['secret/config.json', '400', 1000, 2000, JSON.stringify({ ...long, advanced_config: long.advanced })],
      ],
    })
  })

  it('gets the resources of the manifest, and no more cores than the engine has', () => {
    expect(hostConfigOf({ resources: { memoryMb: 512, cpu: 2, shmMb: 64 } })).toMatchObject({
      Memory: 512 * MB,
      MemorySwap: 512 * MB,
      NanoCpus: 2e9,
      ShmSize: 64 * MB,
    })
    expect(hostConfigOf({ resources: { cpu: 64 } })).toMatchObject({ NanoCpus: 4e9 })
    expect(hostConfigOf({}, { DOCKER_CPUS: '1.5' })).toMatchObject({ NanoCpus: 1.5e9 })
  })

  it('has its disk limit in a label', () => {
    const limitOf = (over: Partial<LaunchRequest>, env: Record<string, string> = {}) =>
      diskLimitOf(containerSpec({ ...request, ...over }, optionsOf(env)).create.Labels ?? {})
    expect(limitOf({ resources: { diskGb: 0.5 } }, { DOCKER_DISK_GB: '7' })).toBe(512 * MB)
    expect(limitOf({}, { DOCKER_DISK_GB: '7' })).toBe(7168 * MB)
    expect(limitOf({})).toBeUndefined()
  })

  it('requests GPUs only if the manifest does', () => {
    expect(hostConfigOf({ resources: { gpu: 0 } })).toMatchObject({ DeviceRequests: undefined })
    expect(hostConfigOf({ resources: { gpu: 2 } })).toMatchObject({
      DeviceRequests: [{ Driver: '', Count: 2, Capabilities: [['gpu']] }],
    })
  })

  it('uses the network that the operator names', () => {
    expect(hostConfigOf({}, { DOCKER_NETWORK: 'platform_default' })).toMatchObject({ NetworkMode: 'platform_default' })
  })

  it('reads a shared dataset cache, which can be a volume, or has a writable one of its own', () => {
    const create = (cache?: string) => containerSpec(request, optionsOf({}, cache)).create
    expect(create('datasets').HostConfig?.Mounts?.[1]).toEqual({
      Type: 'volume',
      Source: 'datasets',
      Target: '/trainyard/datasets',
      ReadOnly: true,
      VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
    })
    expect(create().HostConfig?.Mounts).toHaveLength(1)
    expect(create().Env).toContain('DATASET_CACHE_DIR=/trainyard/work/datasets')
    expect(create().Env?.join()).not.toContain('DATASET_CACHE_FILLED_BY')
  })

  it('requires an image by digest', () => {
    for (const wrong of ['acme/plain:1.0.0', 'acme/plain', 'acme/plain@sha256:abc'])
      expect(() => containerSpec({ ...request, trainer: { type: 'image', reference: wrong } }, optionsOf())).toThrow(
        wrong,
      )
  })

  it('is identified by its labels, and its name differs from that of another database’s job 42', () => {
    expect(parseLabels(attemptLabels(request, instanceId))).toEqual({ jobId: 42, attempt: 3 })
    expect(parseLabels({ 'dev.trainyard.job': 'x', 'dev.trainyard.attempt': '1' })).toBeUndefined()
    expect(parseLabels(null)).toBeUndefined()
    expect(attemptName(request, instanceId)).not.toBe(attemptName(request, 'b4d0c6a4-0000-4000-8000-000000000000'))
  })
})

it('the network of an attempt is a bridge for this attempt only', () => {
  expect(networkSpec(request, optionsOf(), '10.213.0.8/29')).toEqual({
    Name: 'trainyard-42-3-0f8fad5b',
    Driver: 'bridge',
    CheckDuplicate: true,
    IPAM: { Driver: 'default', Config: [{ Subnet: '10.213.0.8/29' }] },
    Labels: attemptLabels(request, instanceId),
  })
})
