import { BUNDLE_MEDIA_TYPE } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { createHarness, digestOf, endOfCheck, type Harness, pushBundle, trainerManifest } from '../testing/harness.ts'
import {
  IMAGE_CONFIG,
  IMAGE_INDEX,
  IMAGE_LAYER,
  imageFields,
  layerOf,
  type PushedDescriptor,
  pushContent,
  pushManifest,
} from '../testing/push-manifest.ts'

const EVIL = 'a bundle that its checks reject'
const SIGNATURE = 'application/vnd.dev.cosign.simplesigning.v1+json'
const AMD64 = { platform: { os: 'linux', architecture: 'amd64' } }
const ARM64 = { platform: { os: 'linux', architecture: 'arm64' } }
const unknownPlatform = { platform: { os: 'unknown', architecture: 'unknown' } }

describe('the quarantine', () => {
  let harness: Harness
  let token: string
  let count = 0
  beforeAll(async () => {
    harness = await createHarness()
    await harness.registry.start()
    token = await harness.token(['push:acme', 'push:other'])
  })
  afterAll(() => harness.close())

  /** A repository with the published version 1.0.0, the rejected bundle 2.0.0, and the ends to push more. */
  async function prepare() {
    const name = `acme/case-${++count}`
    const target = { harness, name, token }
    const fields = await imageFields(target, '1.0.0', { files: { good: name } })
    const published = await pushManifest(target, fields, { tag: '1.0.0' })
    expect((await endOfCheck(harness, token, published.response)).state).toBe('published')
    const manifest = trainerManifest(name, '9.9.9', { description: EVIL })
    const rejected = await pushBundle(harness, { name, version: '2.0.0', token, manifest })
    expect((await endOfCheck(harness, token, rejected)).state).toBe('rejected')
    const digest = rejected.headers.get('docker-content-digest') ?? ''
    const body = (await (await harness.request(`/v2/${name}/manifests/${digest}`, { token })).json()) as {
      config: PushedDescriptor
      layers: PushedDescriptor[]
      mediaType: string
    }
    const [layer] = body.layers
    if (layer === undefined) throw new Error('the bundle has no layer')
    const size = Number(
      (await harness.request(`/v2/${name}/manifests/${digest}`, { token })).headers.get('content-length'),
    )
    return {
      ...target,
      target,
      image: published.descriptor,
      imageLayers: fields.layers,
      bundle: { mediaType: body.mediaType, digest, size },
      bundleLayer: { ...layer, mediaType: IMAGE_LAYER },
      bundleConfig: body.config,
    }
  }
  type Case = Awaited<ReturnType<typeof prepare>>

  const push = (at: Case, body: object | string, options: { tag?: string | undefined; mediaType?: string } = {}) =>
    pushManifest(at.target, body, options)
  const pushIndex = (at: Case, manifests: object[], tag?: string, more: object = {}) =>
    push(at, { manifests, ...more }, { tag, mediaType: IMAGE_INDEX })
  /** Waits for the check of a push, if it has one, and returns its state, or the status of a refused push. */
  async function settle({ response }: { response: Response }): Promise<string> {
    if (response.headers.get('trainyard-check') === null) return String(response.status)
    return (await endOfCheck(harness, token, response)).state
  }
  /** An image that passes as the version 3.0.0. */
  async function fitting(at: Case): Promise<PushedDescriptor & typeof AMD64> {
    return { ...(await push(at, await imageFields(at.target, '3.0.0'))).descriptor, ...AMD64 }
  }
  /** An image that nothing checks: it has no trainer.json. */
  async function unchecked(at: Case, more: object = {}): Promise<PushedDescriptor> {
    const { descriptor } = await push(at, {
      config: await pushContent(at.target, IMAGE_CONFIG, JSON.stringify({ architecture: 'arm64', os: 'linux' })),
      layers: [
        await pushContent(at.target, IMAGE_LAYER, await layerOf({ evil: `${at.name} ${JSON.stringify(more)}` })),
      ],
      ...more,
    })
    return descriptor
  }
  const manifestOf = (at: { name: string }, { digest }: { digest: string }) => `/v2/${at.name}/manifests/${digest}`
  const blobOf = (at: { name: string }, { digest }: { digest: string }) => `/v2/${at.name}/blobs/${digest}`
  async function anonymous(path: string, init: RequestInit = {}): Promise<number> {
    const response = await harness.request(path, init)
    await response.arrayBuffer()
    return response.status
  }
  const bundlePaths = (at: Case) => [manifestOf(at, at.bundle), blobOf(at, at.bundleLayer), blobOf(at, at.bundleConfig)]

  /** Each pushes something hostile and returns the paths that must stay closed to strangers. */
  const ATTACKS: Record<string, (at: Case) => Promise<string[]>> = {
    'an index that lists a good image and a rejected bundle': async (at) => {
      await settle(await pushIndex(at, [await fitting(at), at.bundle], '3.0.0'))
      return bundlePaths(at)
    },
    'an index that lists a bundle that was pushed by its digest and never checked': async (at) => {
      const layer = { ...at.bundleLayer, mediaType: BUNDLE_MEDIA_TYPE }
      const { descriptor } = await push(at, {
        artifactType: BUNDLE_MEDIA_TYPE,
        config: at.bundleConfig,
        layers: [layer],
      })
      await settle(await pushIndex(at, [await fitting(at), descriptor], '3.0.0'))
      return [manifestOf(at, descriptor), blobOf(at, layer)]
    },
    'a nested index that hides a rejected bundle': async (at) => {
      const inner = await pushIndex(at, [at.bundle])
      await settle(await pushIndex(at, [await fitting(at), inner.descriptor], '3.0.0'))
      return bundlePaths(at)
    },
    'a nested index that hides an image without a manifest': async (at) => {
      const image = await unchecked(at)
      const inner = await pushIndex(at, [{ ...image, ...AMD64 }])
      await settle(await pushIndex(at, [await fitting(at), inner.descriptor], '3.0.0'))
      return [manifestOf(at, image)]
    },
    'an image with the layer of a rejected bundle': async (at) => {
      await settle(await push(at, await imageFields(at.target, '3.0.0', { below: [at.bundleLayer] }), { tag: '3.0.0' }))
      return bundlePaths(at)
    },
    'an image with the layer of a rejected bundle, whose number was pushed again': async (at) => {
      await settle({ response: await pushBundle(harness, { name: at.name, version: '2.0.0', token }) })
      await settle(await push(at, await imageFields(at.target, '3.0.0', { below: [at.bundleLayer] }), { tag: '3.0.0' }))
      return [manifestOf(at, at.bundle), blobOf(at, at.bundleLayer)]
    },
    'an image with the layer of a rejected bundle, mounted from another repository': async (at) => {
      const there = { ...at.target, name: `other/case-${count}` }
      const query = `mount=${at.bundleLayer.digest}&from=${at.name}`
      await harness.request(`/v2/${there.name}/blobs/uploads/?${query}`, { method: 'POST', token })
      const fields = await imageFields(there, '3.0.0', { below: [at.bundleLayer] })
      await settle(await pushManifest(there, fields, { tag: '3.0.0' }))
      return [blobOf(there, at.bundleLayer)]
    },
    'the same, mounted twice': async (at) => {
      const first = `other/case-${count}-a`
      const there = { ...at.target, name: `other/case-${count}-b` }
      for (const [to, from] of [
        [first, at.name],
        [there.name, first],
      ] as const) {
        const query = `mount=${at.bundleLayer.digest}&from=${from}`
        await harness.request(`/v2/${to}/blobs/uploads/?${query}`, { method: 'POST', token })
      }
      const fields = await imageFields(there, '3.0.0', { below: [at.bundleLayer] })
      await settle(await pushManifest(there, fields, { tag: '3.0.0' }))
      return [blobOf(there, at.bundleLayer)]
    },
    'an image whose config is the config of a rejected bundle': async (at) => {
      const { layers } = await imageFields(at.target, '3.0.0')
      await settle(
        await push(at, { config: { ...at.bundleConfig, mediaType: IMAGE_CONFIG }, layers }, { tag: '3.0.0' }),
      )
      return [blobOf(at, at.bundleConfig)]
    },
    'a second platform that has no manifest': async (at) => {
      const image = await unchecked(at)
      const manifests = [await fitting(at), { ...image, ...ARM64 }]
      await settle(await pushIndex(at, manifests, '3.0.0'))
      return [manifestOf(at, image)]
    },
    'an image that an index calls an attestation': async (at) => {
      const good = await fitting(at)
      const image = await unchecked(at)
      const annotations = {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': good.digest,
      }
      await settle(await pushIndex(at, [good, { ...image, ...unknownPlatform, annotations }], '3.0.0'))
      return [manifestOf(at, image)]
    },
    'an image with an artifactType in an index': async (at) => {
      const good = await fitting(at)
      const image = await unchecked(at, { artifactType: 'application/vnd.in-toto+json' })
      await settle(await pushIndex(at, [good, { ...image, ...unknownPlatform }], '3.0.0'))
      return [manifestOf(at, image)]
    },
    'an attestation in an index whose JSON is an archive': async (at) => {
      const good = await fitting(at)
      const config = await pushContent(
        at.target,
        IMAGE_CONFIG,
        JSON.stringify({ architecture: 'unknown', os: 'unknown' }),
      )
      const layer = await pushContent(at.target, 'application/vnd.in-toto+json', await layerOf({ evil: at.name }))
      const { descriptor } = await push(at, { config, layers: [layer] })
      await settle(await pushIndex(at, [good, { ...descriptor, ...unknownPlatform }], '3.0.0'))
      return [manifestOf(at, descriptor), blobOf(at, layer)]
    },
    'a referrer of a published version that is an image': async (at) => {
      const image = await unchecked(at, { subject: at.image, artifactType: SIGNATURE })
      return [manifestOf(at, image)]
    },
    'a referrer of a published version that has the layer of a rejected bundle': async (at) => {
      const config = await pushContent(at.target, 'application/vnd.oci.empty.v1+json', '{}')
      const layers = [{ ...at.bundleLayer, mediaType: SIGNATURE }]
      const { descriptor } = await push(at, { subject: at.image, artifactType: SIGNATURE, config, layers })
      return [manifestOf(at, descriptor), blobOf(at, at.bundleLayer)]
    },
    'a referrer of a published version that has the config of a rejected bundle': async (at) => {
      const config = await pushContent(at.target, 'application/vnd.oci.empty.v1+json', '{}')
      const layers = [{ ...at.bundleConfig, mediaType: SIGNATURE }]
      const { descriptor } = await push(at, { subject: at.image, artifactType: SIGNATURE, config, layers })
      return [manifestOf(at, descriptor), blobOf(at, at.bundleConfig)]
    },
    'a referrer that is a bundle': async (at) => {
      const layer = { ...at.bundleLayer, mediaType: BUNDLE_MEDIA_TYPE }
      const { descriptor } = await push(at, {
        subject: at.image,
        artifactType: BUNDLE_MEDIA_TYPE,
        config: at.bundleConfig,
        layers: [layer],
      })
      return [manifestOf(at, descriptor), blobOf(at, layer)]
    },
    'a referrer that is an index of an image': async (at) => {
      const image = await unchecked(at)
      const { descriptor } = await pushIndex(at, [image], undefined, { subject: at.image, artifactType: SIGNATURE })
      return [manifestOf(at, descriptor), manifestOf(at, image)]
    },
    'a tag of a signature that is an image': async (at) => {
      const image = await unchecked(at)
      const text = await (await harness.request(manifestOf(at, image), { token })).text()
      const tag = `${at.image.digest.replace(':', '-')}.sig`
      await push(at, text, { tag })
      return [manifestOf(at, image), manifestOf(at, { digest: tag })]
    },
    'a tag of a signature that is a rejected bundle': async (at) => {
      const text = await (await harness.request(manifestOf(at, at.bundle), { token })).text()
      const tag = `${at.image.digest.replace(':', '-')}.sig`
      await push(at, text, { tag })
      return [...bundlePaths(at), manifestOf(at, { digest: tag })]
    },
    'a signature of a rejected version, and its tag': async (at) => {
      const config = await pushContent(at.target, 'application/vnd.oci.empty.v1+json', '{}')
      const layers = [await pushContent(at.target, SIGNATURE, JSON.stringify({ of: at.bundle.digest }))]
      const { descriptor } = await push(at, { subject: at.bundle, artifactType: SIGNATURE, config, layers })
      const tag = `${at.bundle.digest.replace(':', '-')}.sig`
      await push(at, { config, layers, annotations: { by: 'tag' } }, { tag })
      const referrers = await (await harness.request(`/v2/${at.name}/referrers/${at.bundle.digest}`)).json()
      expect(referrers).toMatchObject({ manifests: [] })
      return [manifestOf(at, descriptor), manifestOf(at, { digest: tag }), ...layers.map((layer) => blobOf(at, layer))]
    },
    'an image with a layer at an address elsewhere': async (at) => {
      const fields = await imageFields(at.target, '3.0.0')
      const digest = digestOf(`elsewhere ${at.name}`)
      const foreign = {
        mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
        digest,
        size: 100,
        urls: ['https://evil.test/layer'],
      }
      const { response } = await push(at, { ...fields, layers: [foreign, ...fields.layers] }, { tag: '3.0.0' })
      await settle({ response })
      return [manifestOf(at, { digest: '3.0.0' })]
    },
    'a manifest whose fields Docker reads otherwise': async (at) => {
      const fields = await imageFields(at.target, '3.0.0')
      const { response } = await push(at, { ...fields, Layers: [at.bundleLayer] }, { tag: '3.0.0' })
      await settle({ response })
      return [manifestOf(at, { digest: '3.0.0' })]
    },
    'an image whose embedded data is not what its digest says': async (at) => {
      const fields = await imageFields(at.target, '3.0.0')
      const config = { ...fields.config, data: Buffer.from('{"config":{"Entrypoint":["evil"]}}').toString('base64') }
      const { response } = await push(at, { ...fields, config }, { tag: '3.0.0' })
      await settle({ response })
      return [manifestOf(at, { digest: '3.0.0' })]
    },
    'the manifest of a rejected bundle as a blob of the same repository': async (at) => {
      const text = await (await harness.request(manifestOf(at, at.bundle), { token })).text()
      const blob = await pushContent(at.target, 'application/json', text)
      await settle(await pushIndex(at, [await fitting(at), at.bundle], '3.0.0'))
      return [blobOf(at, blob)]
    },
    'a published version whose bytes are pushed as another version': async (at) => {
      const text = await (await harness.request(manifestOf(at, at.image), { token })).text()
      await settle(await push(at, text, { tag: '3.0.0' }))
      return [manifestOf(at, { digest: '3.0.0' })]
    },
    'an index that is pushed while its image is being rejected': async (at) => {
      const fields = await imageFields(at.target, '8.8.8')
      const [image, index] = await Promise.all([
        push(at, fields, { tag: '2.5.0' }),
        push(at, fields).then(({ descriptor }) => pushIndex(at, [{ ...descriptor, ...AMD64 }], '3.0.0')),
      ])
      await Promise.all([settle(image), settle(index)])
      return [
        manifestOf(at, image.descriptor),
        manifestOf(at, index.descriptor),
        ...fields.layers.map((l) => blobOf(at, l)),
      ]
    },
    'an index with more images than are checked': async (at) => {
      const evil = await unchecked(at)
      const many = []
      for (let number = 0; number < 40; number++) {
        const fields = await imageFields(at.target, '3.0.0')
        many.push((await push(at, { ...fields, annotations: { number: String(number) } })).descriptor)
      }
      await settle(await pushIndex(at, [...many.map((image) => ({ ...image, ...AMD64 })), evil], '3.0.0'))
      return [manifestOf(at, evil)]
    },
  }

  it.each(Object.entries(ATTACKS))('stays closed for %s', async (_name, attack) => {
    const at = await prepare()
    const paths = await attack(at)
    const answers = []
    for (const path of paths) {
      answers.push([path, await anonymous(path), await anonymous(path, { method: 'HEAD' })])
      const ranged = await anonymous(path, { headers: { range: 'bytes=0-1' } })
      expect([path, ranged < 300]).toEqual([path, false])
    }
    expect(answers.filter(([, get, head]) => Number(get) < 400 || Number(head) < 400)).toEqual([])
    // What was published before stays open.
    expect(await anonymous(manifestOf(at, { digest: '1.0.0' }))).toBe(200)
    expect(await anonymous(manifestOf(at, at.image))).toBe(200)
    for (const layer of at.imageLayers) expect(await anonymous(blobOf(at, layer))).toBe(200)
    // No tag tells of it.
    const { tags } = (await (await harness.request(`/v2/${at.name}/tags/list`)).json()) as { tags: string[] }
    expect(tags.filter((tag) => tag.startsWith('sha'))).toEqual([])
  })
  it('opens a signature, an SBOM of it and their tags together with the version, and not before', async () => {
    const target = { harness, name: `acme/case-${++count}`, token }
    const { layers, ...fields } = await imageFields(target, '9.9.9')
    const at = await prepare()
    for (const [image, subject, expected] of [
      [{ ...target, bad: true }, await pushManifest(target, { ...fields, layers }, { tag: '1.0.0' }), 404],
      [at, { descriptor: at.image, response: undefined }, 200],
    ] as const) {
      if (subject.response !== undefined) await settle({ response: subject.response })
      const to = { harness, name: image.name, token }
      const config = await pushContent(to, 'application/vnd.oci.empty.v1+json', '{}')
      const payload = await pushContent(to, SIGNATURE, JSON.stringify({ critical: { of: subject.descriptor.digest } }))
      const signature = { artifactType: SIGNATURE, config, layers: [payload] }
      const signed = (await pushManifest(to, { ...signature, subject: subject.descriptor })).descriptor
      const sbom = await pushContent(to, 'application/vnd.cyclonedx+json', JSON.stringify({ bomFormat: 'CycloneDX' }))
      const second = { artifactType: 'application/vnd.cyclonedx+json', config, layers: [sbom], subject: signed }
      const ofSignature = (await pushManifest(to, second)).descriptor
      const tag = `${subject.descriptor.digest.replace(':', '-')}.att`
      const imageConfig = await pushContent(to, IMAGE_CONFIG, JSON.stringify({ rootfs: { diff_ids: [] } }))
      await pushManifest(to, { config: imageConfig, layers: [payload] }, { tag })
      const paths = [
        manifestOf(to, signed),
        manifestOf(to, ofSignature),
        manifestOf(to, { digest: tag }),
        ...[payload, sbom, imageConfig].map((blob) => blobOf(to, blob)),
      ]
      for (const path of paths) expect([path, await anonymous(path)]).toEqual([path, expected === 200 ? 200 : 401])
      const { manifests } = (await (
        await harness.request(`/v2/${to.name}/referrers/${subject.descriptor.digest}`)
      ).json()) as { manifests: PushedDescriptor[] }
      expect(manifests.map(({ digest }) => digest)).toEqual(expected === 200 ? [signed.digest] : [])
      const listed = await harness.request(`/v2/${to.name}/tags/list`)
      if (expected === 200) expect(((await listed.json()) as { tags: string[] }).tags).toEqual(['1.0.0', tag])
    }
  })

  it('publishes an index with an image for each platform, its attestation and nested indexes', async () => {
    const at = await prepare()
    const good = await fitting(at)
    const other = {
      ...(await push(at, await imageFields(at.target, '3.0.0', { architecture: 'arm64' }))).descriptor,
      ...ARM64,
    }
    const config = await pushContent(
      at.target,
      IMAGE_CONFIG,
      JSON.stringify({ architecture: 'unknown', os: 'unknown' }),
    )
    const statement = await pushContent(at.target, 'application/vnd.in-toto+json', JSON.stringify({ of: good.digest }))
    const attestation = { ...(await push(at, { config, layers: [statement] })).descriptor, ...unknownPlatform }
    const inner = (await pushIndex(at, [other])).descriptor
    expect(await settle(await pushIndex(at, [good, attestation, inner], '3.0.0'))).toBe('published')
    for (const part of [good, other, attestation, inner]) expect(await anonymous(manifestOf(at, part))).toBe(200)
    expect(await anonymous(blobOf(at, statement))).toBe(200)
  })

  it('closes every way to a version that is rejected after it was published', async () => {
    const at = await prepare()
    const config = await pushContent(at.target, 'application/vnd.oci.empty.v1+json', '{}')
    const payload = await pushContent(at.target, SIGNATURE, JSON.stringify({ of: at.image.digest }))
    const signature = { artifactType: SIGNATURE, config, layers: [payload], subject: at.image }
    const { descriptor } = await push(at, signature)
    const versions = `/v1/trainers/${at.name}`
    const { checkId } = (await (await harness.request(`${versions}/versions/1.0.0`)).json()) as { checkId: string }
    const paths = [
      manifestOf(at, { digest: '1.0.0' }),
      manifestOf(at, { digest: 'latest' }),
      manifestOf(at, at.image),
      manifestOf(at, descriptor),
      ...[...at.imageLayers, payload].map((blob) => blobOf(at, blob)),
      versions,
      `${versions}/versions/1.0.0`,
      `${versions}/resolve`,
      `/v1/checks/${checkId}`,
    ]
    for (const path of paths) expect([path, await anonymous(path)]).toEqual([path, 200])
    await harness.registry.context.database.transaction(async (trx) => {
      const { id } = await trx
        .selectFrom('repositories')
        .select('id')
        .where('name', '=', at.name)
        .executeTakeFirstOrThrow()
      const ofImage = trx.updateTable('version_parts').set({ state: 'rejected' }).where('repository_id', '=', id)
      await ofImage.where('manifest_digest', '=', at.image.digest).execute()
      await refreshTrainer(trx, harness.config, id)
    })
    for (const path of paths) expect([path, (await anonymous(path)) >= 400]).toEqual([path, true])
    const tags = await harness.request(`/v2/${at.name}/tags/list`)
    expect(await tags.json()).toMatchObject({ tags: [] })
    const referrers = await harness.request(`/v2/${at.name}/referrers/${at.image.digest}`)
    expect(await referrers.json()).toMatchObject({ manifests: [] })
    // A stranger cannot mount it, and is not told that it exists.
    const thief = await harness.token(['push:thief'], 'eve')
    for (const { digest } of [...at.imageLayers, { digest: digestOf('nothing') }]) {
      const query = `mount=${digest}&from=${at.name}`
      const mounted = await harness.request(`/v2/thief/x/blobs/uploads/?${query}`, { method: 'POST', token: thief })
      expect(mounted.status).toBe(202)
    }
  })

  it('takes other bytes under a number until it is published, and keeps the earlier checks for the owner', async () => {
    const at = await prepare()
    const { layers, config } = await imageFields(at.target, '2.1.0')
    const bad = await push(at, await imageFields(at.target, '7.7.7'), { tag: '2.1.0' })
    expect(await settle(bad)).toBe('rejected')
    const good = await push(at, { config, layers }, { tag: '2.1.0' })
    expect(await settle(good)).toBe('published')
    expect(await anonymous(manifestOf(at, bad.descriptor))).toBe(404)
    expect(await anonymous(manifestOf(at, { digest: '2.1.0' }))).toBe(200)
    const third = await push(at, await imageFields(at.target, '2.1.0', { files: { more: 'x' } }), { tag: '2.1.0' })
    expect(third.response.status).toBe(403)
    const earlier = `/v1/checks/${bad.response.headers.get('trainyard-check')}`
    expect(await (await harness.request(earlier, { token })).json()).toMatchObject({ state: 'rejected' })
    expect(await anonymous(earlier)).toBe(404)
    const version = (await (await harness.request(`/v1/trainers/${at.name}/versions/2.1.0`)).json()) as object
    expect(version).toMatchObject({ digest: good.descriptor.digest, state: 'published' })
  })

  it('lets no one block a version by pushing its published layers in a bundle that is rejected', async () => {
    const at = await prepare()
    const [layer] = at.imageLayers
    const poison = await pushBundle(harness, {
      name: at.name,
      version: '2.2.0',
      token,
      layer: new Uint8Array(await (await harness.request(blobOf(at, layer ?? at.bundleLayer))).arrayBuffer()),
    })
    expect(await settle({ response: poison })).toBe('rejected')
    const next = await push(at, await imageFields(at.target, '3.0.0', { below: at.imageLayers }), { tag: '3.0.0' })
    expect(await settle(next)).toBe('published')
  })
})
