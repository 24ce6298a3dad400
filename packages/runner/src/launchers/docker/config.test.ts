import { describe, expect, it } from 'vitest'
import { readDockerConfig, withRegistryToken } from './config.ts'
import { registryHost } from './registry-host.ts'

describe('readDockerConfig', () => {
  it('has defaults', () => {
    expect(readDockerConfig({})).toEqual({
      network: 'job',
      subnets: '10.213.0.0/16',
      callbackHost: 'host.docker.internal',
      user: '10001:10001',
      memoryMb: 4096,
      shmMb: 1024,
      tmpMb: 256,
      pidsLimit: 1024,
      logMaxMb: 100,
      credentials: {},
    })
  })

  it.each([
    ['DOCKER_HOST', 'ssh://me@machine', /unix:\/\/\/path/],
    ['DOCKER_USER', 'root', /never run as root/],
    ['DOCKER_USER', '0:0', /never run as root/],
    ['DOCKER_NETWORK', 'host', /separate from the machine/],
    ['DOCKER_SUBNETS', '10.0.0.0', /IPv4 range/],
    ['DOCKER_DATASET_CACHE', '../here', /absolute path/],
    ['DOCKER_AUTH_CONFIG', '{', /must be JSON/],
    ['DOCKER_TLS_VERIFY', '1', /DOCKER_CERT_PATH/],
  ])('rejects %s=%s with a message', (name, value, message) => {
    expect(() => readDockerConfig({ [name]: value })).toThrow(message)
  })

  it('reads logins in Docker’s format', () => {
    const auths = {
      'registry.example:5000': { auth: Buffer.from('me:pass:word').toString('base64') },
      'https://index.docker.io/v1/': { username: 'you', password: 'secret' },
    }
    const { credentials } = readDockerConfig({ DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) })
    expect(credentials).toEqual({
      'registry.example:5000': { username: 'me', password: 'pass:word' },
      'index.docker.io': { username: 'you', password: 'secret' },
    })
  })

  it('uses the runner’s token for its own registry only, and prefers a configured login', () => {
    const config = readDockerConfig({})
    const { credentials } = withRegistryToken(config, 'http://127.0.0.1:7600', 'ty_token')
    expect(credentials).toEqual({ '127.0.0.1:7600': { username: 'trainyard', password: 'ty_token' } })
    const login = { username: 'me', password: 'mine' }
    const own = withRegistryToken(
      { ...config, credentials: { '127.0.0.1:7600': login } },
      'http://127.0.0.1:7600',
      'ty_x',
    )
    expect(own.credentials).toEqual({ '127.0.0.1:7600': login })
  })
})

it.each([
  ['127.0.0.1:7600/acme/plain', '127.0.0.1:7600'],
  ['localhost/acme/plain', 'localhost'],
  ['acme/plain', 'index.docker.io'],
  ['debian', 'index.docker.io'],
])('the registry of %s is %s', (reference, host) => {
  expect(registryHost(`${reference}@sha256:${'a'.repeat(64)}`)).toBe(host)
})
