import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExchangedToken, TrainerVersion } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { createHarness, digestOf, endOfCheck, pushBlob, pushBundle } from '../testing/harness.ts'
import { SigstoreSigner } from '../testing/sigstore.ts'

const { LAB_GITHUB_ISSUER: issuer, ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret, FULCIO_URL: fulcio } = process.env
const { REKOR_URL: rekor, SIGSTORE_TRUSTED_ROOT_URL: rootUrl } = process.env
const isReady = [issuer, secret, fulcio, rekor, rootUrl].every((value) => value !== undefined)
if (!isReady)
  console.warn(
    'SKIPPED: provenance with a Fulcio and a Rekor. Start them and an issuer that the Fulcio trusts, and set LAB_GITHUB_ISSUER, ACTIONS_ID_TOKEN_REQUEST_TOKEN, FULCIO_URL, REKOR_URL and SIGSTORE_TRUSTED_ROOT_URL',
  )

const AUDIENCE = 'http://127.0.0.1:7600'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const name = 'acme/from-ci'

it.skipIf(!isReady)('a job publishes a trainer and its provenance, which is verified as the publisher’s', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-provenance-'))
  const root = join(dir, 'trusted_root.json')
  await writeFile(root, await (await fetch(rootUrl ?? '')).text())
  const harness = await createHarness({
    config: {
      publicUrl: AUDIENCE,
      ciIssuers: [{ name: 'github', issuer: issuer ?? '', kind: 'github' }],
      sigstoreTrustedRoot: root,
      signingPolicies: [{ namespace: 'acme', required: true, signers: [] }],
    },
  })
  try {
    await harness.registry.start()
    const post = (path: string, body: unknown, token?: string) =>
      harness.request(path, {
        method: 'POST',
        token,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const jobToken = async (audience: string) => {
      const query = new URLSearchParams({ audience, ref: 'refs/tags/v1.0.0' })
      const answer = await fetch(`${issuer}/token?${query}`, { headers: { authorization: `Bearer ${secret}` } })
      return ((await answer.json()) as { value: string }).value
    }
    const publisher = { issuer: 'github', repository: 'acme/detector', workflow: 'release.yml', ref: 'refs/tags/v*' }
    await post(`/v1/trainers/${name}/publishers`, publisher, await harness.token(['admin:acme']))
    const exchanged = await post('/v1/publishing/tokens', { trainer: name, token: await jobToken(AUDIENCE) })
    const { token } = (await exchanged.json()) as ExchangedToken
    const pushed = await pushBundle(harness, { name, version: '1.0.0', token })
    expect((await endOfCheck(harness, token, pushed)).state).toBe('published')
    expect((await harness.request(`/v1/trainers/${name}/resolve`)).status).toBe(403)

    const subject = pushed.headers.get('docker-content-digest') ?? ''
    const signer = new SigstoreSigner({ fulcio: fulcio ?? '', rekor: rekor ?? '' })
    const blob = async (mediaType: string, bytes: Buffer) => ({
      mediaType,
      digest: await pushBlob(harness, { name, token, bytes }),
      size: bytes.byteLength,
    })
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: BUNDLE,
      config: await blob('application/vnd.oci.empty.v1+json', Buffer.from('{}')),
      layers: [await blob(BUNDLE, await signer.attest(await jobToken('sigstore'), subject))],
      subject: { mediaType: MANIFEST, digest: subject, size: 1 },
    })
    const headers = { 'content-type': MANIFEST }
    const attached = await harness.request(`/v2/${name}/manifests/${digestOf(body)}`, {
      method: 'PUT',
      token,
      headers,
      body,
    })
    expect([attached.status, attached.ok ? '' : await attached.text()]).toEqual([201, ''])

    const version = (await (await harness.request(`/v1/trainers/${name}/versions/1.0.0`)).json()) as TrainerVersion
    expect(version.signatures).toMatchObject([
      {
        verified: true,
        issuer,
        signer: 'https://github.com/acme/detector/.github/workflows/release.yml@refs/tags/v1.0.0',
        predicateType: 'https://slsa.dev/provenance/v1',
      },
    ])
    expect((await harness.request(`/v1/trainers/${name}/resolve`)).status).toBe(200)
  } finally {
    await harness.close()
    await rm(dir, { recursive: true })
  }
})
