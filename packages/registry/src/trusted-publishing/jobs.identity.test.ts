import type { ExchangedToken, PublisherTest } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'

const { LAB_GITHUB_ISSUER: github, LAB_GITLAB_ISSUER: gitlab, ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret } = process.env
const isReady = github !== undefined && gitlab !== undefined && secret !== undefined
if (!isReady)
  console.warn(
    'SKIPPED: real issuers of job tokens. Start issuers with the claims of GitHub and GitLab, and set LAB_GITHUB_ISSUER, LAB_GITLAB_ISSUER and ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  )

const AUDIENCE = 'http://127.0.0.1:7600'
const kinds = [
  {
    kind: 'github',
    issuer: github ?? '',
    conditions: {
      repositoryId: '740000001',
      ownerId: '540000001',
      workflow: 'release.yml',
      environment: 'production',
      ref: 'refs/tags/v*',
    },
    fitting: { ref: 'refs/tags/v1.0.0', environment: 'production' },
    changes: {
      repository: 'evil/detector',
      repository_id: '12',
      repository_owner_id: '13',
      workflow_file: 'ci.yml',
      job_workflow_ref: 'evil/detector/.github/workflows/release.yml@refs/tags/v1.0.0',
      environment: 'staging',
      ref: 'refs/heads/main',
    },
  },
  {
    kind: 'gitlab',
    issuer: gitlab ?? '',
    conditions: {
      repositoryId: '20',
      ownerId: '72',
      workflow: '.gitlab-ci.yml',
      environment: 'production',
      ref: 'refs/tags/v*',
    },
    fitting: { ref: 'v1.0.0', ref_type: 'tag', environment: 'production' },
    changes: {
      project_path: 'evil/detector',
      project_id: '12',
      namespace_id: '13',
      ci_config_ref_uri: 'gitlab.example.com/evil/detector//.gitlab-ci.yml@refs/tags/v1.0.0',
      environment: 'staging',
      ref_path: 'refs/heads/main',
    },
  },
] as const

describe.skipIf(!isReady).each(kinds)('jobs of $kind', ({ kind, issuer, conditions, fitting, changes }) => {
  let harness: Harness
  let admin: string
  const trainer = `acme/of-${kind}`
  beforeAll(async () => {
    harness = await createHarness({ config: { publicUrl: AUDIENCE, ciIssuers: [{ name: kind, issuer, kind }] } })
    await harness.registry.start()
    admin = await harness.token(['admin:acme'])
  })
  afterAll(() => harness.close())

  async function jobToken(claims: Record<string, string> = {}): Promise<string> {
    const query = new URLSearchParams({ audience: AUDIENCE, ...fitting, ...claims })
    const response = await fetch(`${issuer}/token?${query}`, { headers: { authorization: `Bearer ${secret}` } })
    return ((await response.json()) as { value: string }).value
  }
  const post = (path: string, body: unknown, token?: string) =>
    harness.request(path, {
      method: 'POST',
      token,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const exchange = async (token: string) => await post('/v1/publishing/tokens', { trainer, token })

  it('publish the first version and later ones; each different claim is refused by its name', async () => {
    const publisher = { issuer: kind, repository: 'acme/detector', ...conditions }
    const added = await post(`/v1/trainers/${trainer}/publishers`, publisher, admin)
    expect(added.status).toBe(201)
    const { id } = (await added.json()) as { id: string }
    for (const [claim, value] of Object.entries(changes)) {
      const token = await jobToken({ [claim]: value })
      const refused = await exchange(token)
      const name = claim === 'workflow_file' ? 'job_workflow_ref' : claim
      expect([claim, refused.status, await refused.text()]).toEqual([claim, 403, expect.stringContaining(name)])
      const tested = (await (
        await post(`/v1/trainers/${trainer}/publishers/${id}/test`, { token }, admin)
      ).json()) as PublisherTest
      expect(tested).toMatchObject({ ok: false, reasons: [expect.stringContaining(`the token says ${name} `)] })
    }
    for (const [claims, reason] of [
      [{ audience: 'https://other.test' }, 'audience'],
      [{ expires_in: '-60' }, 'expired'],
      [{ not_before_in: '600' }, 'not valid yet'],
    ] as const) {
      const refused = await exchange(await jobToken({ ...claims }))
      expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining(reason)])
    }
    for (const version of ['1.0.0', '1.1.0']) {
      const accepted = await exchange(await jobToken())
      expect(accepted.status).toBe(200)
      const { token } = (await accepted.json()) as ExchangedToken
      const pushed = await pushBundle(harness, { name: trainer, version, token })
      expect((await endOfCheck(harness, token, pushed)).state).toBe('published')
    }
  })
})
