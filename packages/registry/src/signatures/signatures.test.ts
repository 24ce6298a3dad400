import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Problem, TrainerVersion } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSignatureVerifier } from '../sigstore/signature-verifier.ts'
import { createHarness, digestOf, endOfCheck, type Harness, pushBlob, pushBundle } from '../testing/harness.ts'
import { jobIdentity, startSigstore, type TestSigstore } from '../testing/sigstore.ts'

const ISSUER = 'https://token.actions.githubusercontent.com'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const EMPTY = Buffer.from('{}')

describe('the signatures of a version', () => {
  let harness: Harness
  let sigstore: TestSigstore
  let token: string
  let dir: string
  beforeAll(async () => {
    sigstore = await startSigstore()
    dir = await mkdtemp(join(tmpdir(), 'trainyard-signatures-'))
    const sigstoreTrustedRoot = join(dir, 'trusted_root.json')
    await sigstore.writeRoot(sigstoreTrustedRoot)
    const signers = [{ issuer: 'https://accounts.example.test', identity: '*@acme.test' }]
    harness = await createHarness({
      config: {
        sigstoreTrustedRoot,
        signingPolicies: [
          { namespace: 'acme', required: false, signers },
          { namespace: 'strict', required: true, signers: [] },
        ],
      },
    })
    await harness.registry.start()
    token = await harness.token(['admin:*'])
  })
  afterAll(async () => {
    await harness.close()
    await sigstore.close()
    await rm(dir, { recursive: true })
  })

  /** Publishes a version whose publisher is a workflow, and returns the digest of its manifest. */
  async function publish(name: string, conditions: object = { repositoryId: '740000001' }): Promise<string> {
    const pushed = await pushBundle(harness, { name, version: '1.0.0', token })
    expect((await endOfCheck(harness, token, pushed)).state).toBe('published')
    const body = { issuer: 'github', repository: 'acme/detector', workflow: 'release.yml', ...conditions }
    const added = await harness.request(`/v1/trainers/${name}/publishers`, {
      method: 'POST',
      token,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(added.status).toBe(201)
    return pushed.headers.get('docker-content-digest') ?? ''
  }
  async function put(name: string, reference: string, manifest: object): Promise<void> {
    const body = JSON.stringify(manifest)
    const response = await harness.request(`/v2/${name}/manifests/${reference || digestOf(body)}`, {
      method: 'PUT',
      token,
      headers: { 'content-type': MANIFEST },
      body,
    })
    expect([response.status, response.ok ? '' : await response.text()]).toEqual([201, ''])
  }
  async function layerOf(name: string, mediaType: string, bytes: Buffer, annotations?: Record<string, string>) {
    return { mediaType, digest: await pushBlob(harness, { name, token, bytes }), size: bytes.byteLength, annotations }
  }
  async function attach(name: string, subject: string, bundle: Buffer): Promise<void> {
    await put(name, '', {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: BUNDLE,
      config: await layerOf(name, 'application/vnd.oci.empty.v1+json', EMPTY),
      layers: [await layerOf(name, BUNDLE, bundle)],
      subject: { mediaType: MANIFEST, digest: subject, size: await sizeOf(name, subject) },
    })
  }
  async function contentOf(name: string, digest: string): Promise<Buffer> {
    const response = await harness.request(`/v2/${name}/manifests/${digest}`, { token, headers: { accept: MANIFEST } })
    return Buffer.from(await response.arrayBuffer())
  }
  const sizeOf = async (name: string, digest: string) => (await contentOf(name, digest)).byteLength
  async function signaturesOf(name: string) {
    const response = await harness.request(`/v1/trainers/${name}/versions/1.0.0`)
    return ((await response.json()) as TrainerVersion).signatures
  }

  it('count when a publisher of the trainer made them: provenance, and a signature over the manifest', async () => {
    const subject = await publish('acme/signed')
    await attach('acme/signed', subject, await sigstore.signer.attest(await jobIdentity(ISSUER), subject))
    await attach(
      'acme/signed',
      subject,
      await sigstore.signer.sign(await jobIdentity(ISSUER), await contentOf('acme/signed', subject)),
    )
    const found = await signaturesOf('acme/signed')
    expect(found.map(({ verified, reason }) => [verified, reason])).toEqual([
      [true, undefined],
      [true, undefined],
    ])
    expect(found.map(({ predicateType }) => predicateType).toSorted()).toEqual([
      'https://slsa.dev/provenance/v1',
      undefined,
    ])
    expect(found[0]).toMatchObject({
      subject,
      issuer: ISSUER,
      signer: 'https://github.com/acme/detector/.github/workflows/release.yml@refs/tags/v1.0.0',
    })
    // Again, from memory.
    expect(await signaturesOf('acme/signed')).toEqual(found)
  })

  it('count when the policy of the namespace names the signer', async () => {
    const subject = await publish('acme/by-people')
    const ada = { sub: 'ada@acme.test', email: 'ada@acme.test', email_verified: true }
    for (const issuer of ['https://accounts.example.test', 'https://evil.test'])
      await attach('acme/by-people', subject, await sigstore.signer.attest(await jobIdentity(issuer, ada), subject))
    const found = await signaturesOf('acme/by-people')
    expect(Object.fromEntries(found.map(({ issuer, verified }) => [issuer, verified]))).toEqual({
      'https://accounts.example.test': true,
      'https://evil.test': false,
    })
  })

  it('do not count when they are genuine and by someone else, who is named', async () => {
    const subject = await publish('acme/by-others', { repositoryId: '740000001', ref: 'refs/tags/v*' })
    const path = 'https://github.com/acme/detector/.github/workflows'
    const others = [
      { sub: 'https://github.com/evil/detector/.github/workflows/release.yml@refs/tags/v1' },
      { sub: `${path}/ci.yml@refs/tags/v1` },
      { sub: `${path}/release.yml@refs/heads/main` },
      { repository_id: '666' },
    ]
    for (const claims of others)
      await attach('acme/by-others', subject, await sigstore.signer.attest(await jobIdentity(ISSUER, claims), subject))
    const found = await signaturesOf('acme/by-others')
    expect(found).toHaveLength(others.length)
    for (const signature of found)
      expect(signature).toMatchObject({
        verified: false,
        signer: expect.stringContaining('detector'),
        reason: expect.stringContaining('neither a publisher'),
      })
  })

  it('do not count when they are about something else, changed, of another Sigstore, or unreadable', async () => {
    const name = 'acme/forged'
    const subject = await publish(name)
    const identity = await jobIdentity(ISSUER)
    const genuine = JSON.parse((await sigstore.signer.attest(identity, subject)).toString())
    const other = await startSigstore()
    const statement = JSON.parse(Buffer.from(genuine.dsseEnvelope.payload, 'base64').toString())
    const changed = Buffer.from(JSON.stringify({ ...statement, predicate: { evil: true } })).toString('base64')
    const forged: [string, Buffer][] = [
      ['about another manifest', await sigstore.signer.attest(identity, `sha256:${'0'.repeat(64)}`)],
      [
        'not genuine',
        Buffer.from(JSON.stringify({ ...genuine, dsseEnvelope: { ...genuine.dsseEnvelope, payload: changed } })),
      ],
      ['not genuine', await other.signer.attest(identity, subject)],
      ['not genuine', await sigstore.signer.sign(identity, Buffer.from('another manifest'))],
      ['cannot be read', Buffer.from('{"mediaType":7}')],
    ]
    await other.close()
    for (const [reason, bundle] of forged) {
      const before = (await signaturesOf(name)).map(({ digest }) => digest)
      await attach(name, subject, bundle)
      const added = (await signaturesOf(name)).filter(({ digest }) => !before.includes(digest))
      expect(added).toMatchObject([{ verified: false, reason: expect.stringContaining(reason) }])
      expect(added[0]?.signer).toBeUndefined()
    }
  })

  it('are required to run the versions of a namespace whose policy asks for it', async () => {
    const name = 'strict/trainer'
    const subject = await publish(name)
    const resolve = async () => await harness.request(`/v1/trainers/${name}/resolve`)
    const refused = await resolve()
    expect([refused.status, ((await refused.json()) as Problem).detail]).toEqual([
      403,
      expect.stringContaining('strict/trainer@1.0.0 is not: it has no signature'),
    ])
    await attach(
      name,
      subject,
      await sigstore.signer.attest(await jobIdentity(ISSUER, { repository_id: '1' }), subject),
    )
    expect(await (await resolve()).text()).toContain('neither a publisher')
    await attach(name, subject, await sigstore.signer.attest(await jobIdentity(ISSUER), subject))
    expect((await resolve()).status).toBe(200)
  })

  it('are required to pull from such a namespace: by tag, digest, blob and mount, but not by those who sign', async () => {
    const name = 'strict/pulled'
    const subject = await publish(name)
    const { layers } = JSON.parse((await contentOf(name, subject)).toString()) as { layers: { digest: string }[] }
    const layer = layers[0]?.digest ?? ''
    const stranger = await harness.token(['push:other'])
    const statuses = async (as: string | undefined) => {
      const found: number[] = []
      for (const path of ['manifests/1.0.0', `manifests/${subject}`, `blobs/${layer}`])
        for (const method of ['GET', 'HEAD'])
          found.push((await harness.request(`/v2/${name}/${path}`, { method, token: as })).status)
      return found
    }
    const mount = async (to: string) =>
      (
        await harness.request(`/v2/other/${to}/blobs/uploads/?mount=${layer}&from=${name}`, {
          method: 'POST',
          token: stranger,
        })
      ).status
    const all = (status: number) => Array(6).fill(status)
    expect(await statuses(undefined)).toEqual(all(403))
    expect(await statuses(stranger)).toEqual(all(403))
    expect(await statuses(token)).toEqual(all(200))
    expect(await mount('before')).toBe(202)
    const denied = await (await harness.request(`/v2/${name}/manifests/1.0.0`)).text()
    expect(denied).toContain('"DENIED"')
    expect(denied).toContain(
      'strict/pulled:1.0.0 must be signed to be pulled (REGISTRY_SIGNING_POLICY), and is not: it',
    )

    // By someone else: it does not count, and a client that verifies can read it.
    const forged = await sigstore.signer.attest(await jobIdentity(ISSUER, { repository_id: '1' }), subject)
    await attach(name, subject, forged)
    expect(await statuses(undefined)).toEqual(all(403))
    expect(await (await harness.request(`/v2/${name}/manifests/${subject}`)).text()).toContain('neither a publisher')
    const referrers = await (await harness.request(`/v2/${name}/referrers/${subject}`)).json()
    const [signature] = (referrers as { manifests: { digest: string }[] }).manifests
    expect((await harness.request(`/v2/${name}/manifests/${signature?.digest}`)).status).toBe(200)
    expect((await harness.request(`/v2/${name}/blobs/${digestOf(forged)}`)).status).toBe(200)

    await attach(name, subject, await sigstore.signer.attest(await jobIdentity(ISSUER), subject))
    expect(await statuses(undefined)).toEqual(all(200))
    expect(await mount('after')).toBe(201)
  })

  it('of an attachment open no blob of a version that is not signed', async () => {
    const name = 'strict/smuggled'
    const subject = await publish(name)
    const { layers } = JSON.parse((await contentOf(name, subject)).toString()) as {
      layers: { digest: string; size: number }[]
    }
    await put(name, '', {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: BUNDLE,
      config: await layerOf(name, 'application/vnd.oci.empty.v1+json', EMPTY),
      layers: [{ ...layers[0], mediaType: BUNDLE }],
      subject: { mediaType: MANIFEST, digest: subject, size: await sizeOf(name, subject) },
    })
    expect((await harness.request(`/v2/${name}/blobs/${layers[0]?.digest}`)).status).toBe(403)
  })

  it('of cosign’s tags are read, and count only with a certificate', async () => {
    const name = 'acme/cosigned'
    const subject = await publish(name)
    const payload = Buffer.from(
      JSON.stringify({
        critical: {
          identity: {},
          image: { 'docker-manifest-digest': subject },
          type: 'cosign container image signature',
        },
        optional: null,
      }),
    )
    const bundle = JSON.parse((await sigstore.signer.sign(await jobIdentity(ISSUER), payload)).toString())
    const { tlogEntries, certificate, x509CertificateChain } = bundle.verificationMaterial
    const { rawBytes } = certificate ?? x509CertificateChain.certificates[0]
    const [entry] = tlogEntries
    const pem = `-----BEGIN CERTIFICATE-----\n${rawBytes}\n-----END CERTIFICATE-----\n`
    const annotations = {
      'dev.cosignproject.cosign/signature': bundle.messageSignature.signature,
      'dev.sigstore.cosign/certificate': pem,
      'dev.sigstore.cosign/bundle': JSON.stringify({
        SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp ?? '',
        Payload: {
          body: entry.canonicalizedBody,
          integratedTime: Number(entry.integratedTime),
          logIndex: Number(entry.logIndex),
          logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
        },
      }),
    }
    const simple = 'application/vnd.dev.cosign.simplesigning.v1+json'
    const config = await layerOf(name, 'application/vnd.oci.image.config.v1+json', EMPTY)
    const { 'dev.sigstore.cosign/certificate': _, ...keyed } = annotations
    const layers = [await layerOf(name, simple, payload, annotations), await layerOf(name, simple, payload, keyed)]
    const tag = subject.replace(':', '-')
    await put(name, `${tag}.sig`, { schemaVersion: 2, mediaType: MANIFEST, config, layers })
    expect((await signaturesOf(name)).map(({ verified, reason }) => [verified, reason])).toEqual([
      [true, undefined],
      [false, expect.stringContaining('made with a key')],
    ])
  })
})

it('a trust root that is none stops the start', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-root-'))
  try {
    await writeFile(join(dir, 'root.json'), '{}')
    for (const file of ['root.json', 'none.json'])
      await expect(openSignatureVerifier(join(dir, file))).rejects.toThrow('SIGSTORE_TRUSTED_ROOT')
  } finally {
    await rm(dir, { recursive: true })
  }
})
