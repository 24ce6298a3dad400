import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startIssuer, type TestIssuer } from '../testing/ci-issuer.ts'
import { type CiIssuer, CiIssuers, readJob } from './ci-issuers.ts'
import { findMismatches } from './match-publisher.ts'
import { JobTokenVerifier } from './verify-job-token.ts'

const audience = 'https://registry.test'

describe('an issuer that does not answer as it should', () => {
  let issuer: TestIssuer
  beforeEach(async () => {
    issuer = await startIssuer(audience)
  })
  afterEach(() => issuer.close())
  const verify = async (timeoutMs?: number) => {
    const verifier = new JobTokenVerifier([{ name: 'ci', issuer: issuer.url, kind: 'github' }], timeoutMs)
    return await verifier.verify(await issuer.token(), { audience, now: new Date() })
  }
  const answers = (path: string, answer: (response: ServerResponse) => void) => {
    issuer.intercept = (asked, response) => {
      if (!asked.startsWith(path)) return false
      answer(response)
      return true
    }
  }
  const huge = JSON.stringify({ keys: Array.from({ length: 4000 }, () => ({ kty: 'oct', k: 'x'.repeat(100) })) })
  const cases: [string, string, (response: ServerResponse) => void, string][] = [
    ['fails', '/.well-known', (response) => response.writeHead(500).end(), 'answered 500'],
    [
      'is another service',
      '/.well-known',
      (response) => response.end('<html>'),
      'no OpenID Connect Discovery document',
    ],
    [
      'names another issuer',
      '/.well-known',
      (response) => response.end(JSON.stringify({ issuer: 'https://evil.test', jwks_uri: 'https://evil.test/jwks' })),
      'of the issuer "https://evil.test"',
    ],
    [
      'redirects',
      '/jwks',
      (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      'redirects, which is not followed',
    ],
    ['sends more keys than anyone has', '/jwks', (response) => response.end(huge), 'more than 262144 bytes'],
    ['sends no keys', '/jwks', (response) => response.end('{"keys":7}'), 'malformed'],
  ]
  it.each(cases)('%s: %s', async (_, path, answer, reason) => {
    answers(path, answer)
    await expect(verify()).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: 60,
      detail: expect.stringContaining(reason),
    })
  })

  it.each(['/.well-known', '/jwks'])('is given up after a time: %s', async (path) => {
    answers(path, () => undefined)
    await expect(verify(50)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is not asked again for each token right after it failed', async () => {
    answers('/.well-known', (response) => response.writeHead(503).end())
    const verifier = new JobTokenVerifier([{ name: 'ci', issuer: issuer.url, kind: 'github' }])
    for (let tries = 0; tries < 5; tries++)
      await expect(verifier.verify(await issuer.token(), { audience, now: new Date() })).rejects.toThrow('503')
    expect(issuer.requests).toHaveLength(1)
  })

  it('is asked once for the keys of many tokens', async () => {
    const verifier = new JobTokenVerifier([{ name: 'ci', issuer: issuer.url, kind: 'github' }])
    for (let tries = 0; tries < 5; tries++) await verifier.verify(await issuer.token(), { audience, now: new Date() })
    expect(issuer.requests).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })
})

describe('a job of GitLab', () => {
  const gitlab: CiIssuer = { name: 'gitlab', issuer: 'https://gitlab.example.com', kind: 'gitlab' }
  const job = (config: string) =>
    readJob(gitlab, {
      project_path: 'acme/tools/detector',
      project_id: 20,
      namespace_id: '72',
      ref_path: 'refs/tags/v1',
      ci_config_ref_uri: config,
      pipeline_id: '574',
    })
  const expected = { repository: 'acme/tools/detector', repositoryId: '20', workflow: '.gitlab-ci.yml' }

  it('is known by the numbers, the file and the ref that its claims name', () => {
    const own = job('gitlab.example.com/acme/tools/detector//.gitlab-ci.yml@refs/tags/v1')
    expect(own).toMatchObject({ repositoryId: '20', ownerId: '72', workflow: '.gitlab-ci.yml', run: '574' })
    expect(findMismatches(gitlab, expected, own)).toEqual([])
  })

  it('is refused with the file of another project', () => {
    const other = job('gitlab.example.com/evil/detector//.gitlab-ci.yml@refs/tags/v1')
    expect(findMismatches(gitlab, expected, other)).toEqual([
      'the token says ci_config_ref_uri gitlab.example.com/evil/detector//.gitlab-ci.yml, the publisher expects .gitlab-ci.yml',
    ])
  })
})

describe('a ref', () => {
  const github: CiIssuer = { name: 'github', issuer: 'https://github.test', kind: 'github' }
  const table: [string, string, boolean][] = [
    ['refs/tags/v*', 'refs/tags/v1.0.0', true],
    ['refs/tags/v*', 'refs/tags/v1/evil', false],
    ['refs/tags/v*', 'refs/heads/v1', false],
    ['refs/heads/main', 'refs/heads/main', true],
    ['refs/heads/main', 'refs/heads/main2', false],
    ['refs/heads/release.1', 'refs/heads/releasex1', false],
    ['refs/heads/*/stable', 'refs/heads/one/stable', true],
  ]
  it.each(table)('%s and %s: %s', (ref, actual, fits) => {
    const found = findMismatches(
      github,
      { repository: 'a/b', ref },
      { issuer: 'github', repository: 'A/B', repositoryId: '1', ref: actual },
    )
    expect(found).toHaveLength(fits ? 0 : 1)
  })
})

it('takes issuers at https addresses and on this machine, each once', () => {
  const issuer = { name: 'one', issuer: 'https://one.test', kind: 'github' }
  const claims = { repository: 'repo', repositoryId: 'repo_id' }
  expect(CiIssuers.safeParse([issuer, { name: 'two', issuer: 'http://127.0.0.1:9000', claims }]).success).toBe(true)
  for (const bad of [
    [{ ...issuer, issuer: 'http://one.test' }],
    [{ ...issuer, jwksUrl: 'http://10.0.0.1/jwks' }],
    [issuer, { ...issuer, issuer: 'https://two.test' }],
    [issuer, { ...issuer, name: 'two' }],
    [{ ...issuer, kind: 'other' }],
  ])
    expect(CiIssuers.safeParse(bad).success).toBe(false)
})
