import { ConfigError } from '@trainyard/platform'
import { describe, expect, it } from 'vitest'
import { readRunnerConfig } from './config.ts'

const env = { DATABASE_URL: 'postgres://localhost/trainyard' }

describe('readRunnerConfig', () => {
  it('has defaults for everything except the database', () => {
    expect(readRunnerConfig(env)).toMatchObject({
      databaseSchema: 'runner',
      heartbeatSeconds: 15,
      maxConcurrentJobs: 2,
    })
    expect(() => readRunnerConfig({})).toThrow(/DATABASE_URL/)
  })

  it('encrypts connections to Temporal with an API key, or when it is told to', () => {
    const temporal = { ...env, ORCHESTRATOR: 'temporal', TEMPORAL_ADDRESS: 'temporal.example:7233' }
    expect(readRunnerConfig(temporal)).toMatchObject({
      orchestrator: 'temporal',
      temporal: { address: 'temporal.example:7233', namespace: 'default', tls: false },
    })
    expect(readRunnerConfig({ ...temporal, TEMPORAL_API_KEY: 'key' }).temporal?.tls).toBe(true)
    expect(readRunnerConfig({ ...temporal, TEMPORAL_TLS: 'on' }).temporal?.tls).toBe(true)
    expect(readRunnerConfig({ ...temporal, TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: 'off' }).temporal?.tls).toBe(false)
  })

  it.each([
    [{ HEARTBEAT_SECONDS: 'often' }, /HEARTBEAT_SECONDS/],
    [
      { HEARTBEAT_SECONDS: '60', HEARTBEAT_TIMEOUT_SECONDS: '30' },
      /HEARTBEAT_TIMEOUT_SECONDS.*longer than HEARTBEAT_SECONDS/s,
    ],
    [{ MAX_CONCURRENT_JOBS: '-1' }, /MAX_CONCURRENT_JOBS/],
    [{ ORCHESTRATOR: 'airflow' }, /ORCHESTRATOR/],
    [{ ORCHESTRATOR: 'temporal' }, /TEMPORAL_ADDRESS.*HOST:PORT/s],
    [{ TEMPORAL_ADDRESS: 'http://temporal:7233' }, /TEMPORAL_ADDRESS.*HOST:PORT/s],
    [{ MAX_CONCURRENT_PER_OWNER: '0' }, /MAX_CONCURRENT_PER_OWNER/],
    [{ SUBPROCESS_SANDBOX: 'docker' }, /SUBPROCESS_SANDBOX/],
    [{ GPU_DEVICES: '0,0' }, /GPU_DEVICES.*once/s],
    [{ GPU_DEVICES: '0; rm' }, /GPU_DEVICES/],
    [{ QUEUES: 'gpu' }, /QUEUES.*JSON/s],
    [{ QUEUES: '{}' }, /QUEUES.*at least one/s],
    [{ QUEUES: '{"gpu":{"limit":2}}' }, /QUEUES.*limit/s],
    [{ QUEUES: '{"G P U":{}}' }, /QUEUES/],
    [{ QUEUES: '{"cpu":{}}', SERVED_QUEUES: 'gpu' }, /SERVED_QUEUES.*QUEUES/s],
    [{ REGISTRY_URL: 'registry' }, /REGISTRY_URL/],
    [{ JWT_SECRET: 'short' }, /JWT_SECRET/],
    [{ RUNNER_DATABASE_SCHEMA: 'a; drop' }, /RUNNER_DATABASE_SCHEMA/],
  ])('rejects %j with a message that names the variable', (change, words) => {
    expect(() => readRunnerConfig({ ...env, ...change })).toThrow(ConfigError)
    expect(() => readRunnerConfig({ ...env, ...change })).toThrow(words)
  })

  it('reads queues and their limits', () => {
    const read = readRunnerConfig({ ...env, QUEUES: '{"default":{},"gpu":{"maxConcurrent":2}}', SERVED_QUEUES: 'gpu' })
    expect(read).toMatchObject({ queues: { default: {}, gpu: { maxConcurrent: 2 } }, servedQueues: ['gpu'] })
  })

  it('reads the devices to assign to jobs, including none', () => {
    expect(readRunnerConfig({ ...env, GPU_DEVICES: '0,GPU-5a1' }).subprocess).toMatchObject({
      sandbox: 'auto',
      gpuDevices: ['0', 'GPU-5a1'],
    })
    expect(readRunnerConfig({ ...env, GPU_DEVICES: 'none' }).subprocess?.gpuDevices).toEqual([])
    expect(readRunnerConfig(env).subprocess).toMatchObject({ sandbox: 'auto' })
  })

  it('does not reveal secrets in messages', () => {
    expect(() => readRunnerConfig({ ...env, JWT_SECRET: 'too-short-secret' })).not.toThrow(/too-short-secret/)
  })
})
