import { ResolvedTrainer, Trainer, TrainerList, type TrainerManifest, TrainerVersion } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle, trainerManifest } from '../testing/harness.ts'

describe('the catalogue', () => {
  let harness: Harness
  let token: string

  async function publish(name: string, version: string, more: Partial<TrainerManifest> = {}): Promise<void> {
    const pushed = await pushBundle(harness, { name, version, token, manifest: trainerManifest(name, version, more) })
    await endOfCheck(harness, token, pushed)
  }
  async function find(query: string): Promise<TrainerList> {
    const response = await harness.request(`/v1/trainers?${query}`)
    expect(response.status).toBe(200)
    return TrainerList.parse(await response.json())
  }
  const names = async (query: string) => (await find(query)).trainers.map(({ name }) => name)

  beforeAll(async () => {
    harness = await createHarness()
    await harness.registry.start()
    token = await harness.token(['push:*'])
    await publish('acme/yolo-fast', '1.0.0', {
      displayName: 'Yolo Fast',
      description: 'Finds objects quickly',
      framework: 'pytorch',
      taskTypes: ['detection'],
      keywords: ['realtime'],
    })
    await publish('acme/yolo-fast', '1.2.0', {
      displayName: 'Yolo Fast',
      framework: 'pytorch',
      taskTypes: ['detection'],
    })
    await publish('acme/yolo-fast', '2.0.0-rc.1', { displayName: 'Yolo Next', taskTypes: ['detection'] })
    await publish('beta/classes', '0.1.0', { displayName: 'Classes', description: 'Sorts images; not like yolo' })
    await publish('beta/poses', '0.1.0', { displayName: 'Poses', taskTypes: ['pose'] })
    // Rejected because of its name, so it is visible to its owner only.
    await pushBundle(harness, {
      name: 'beta/hidden',
      version: '1.0.0',
      token,
      manifest: trainerManifest('beta/another', '1.0.0'),
    }).then((pushed) => endOfCheck(harness, token, pushed))
  }, 60_000)
  afterAll(() => harness.close())

  it('lists published trainers in pages without duplicates or gaps', async () => {
    const all = await find('')
    expect(all.total).toBe(3)
    const first = await find('limit=2')
    expect([first.total, first.trainers.length]).toEqual([3, 2])
    // Counts are of all pages, and a filter does not hide the other values of its own facet.
    const [framework] = all.facets.framework
    expect(all.facets.framework.reduce((sum, { count }) => sum + count, 0)).toBe(3)
    expect((await find('limit=1')).facets).toEqual(all.facets)
    const filtered = await find(`framework=${framework?.value}`)
    expect([filtered.total, filtered.facets.framework]).toEqual([framework?.count, all.facets.framework])
    const second = await find(`limit=2&cursor=${first.nextCursor}`)
    expect(second.nextCursor).toBeUndefined()
    expect([...first.trainers, ...second.trainers]).toEqual(all.trainers)
    expect((await harness.request('/v1/trainers?cursor=nonsense')).status).toBe(400)
  })

  it('finds trainers by the beginning of a word, and ranks names above descriptions', async () => {
    expect(await names('q=yol')).toEqual(['acme/yolo-fast', 'beta/classes'])
    expect(await names('q=beta')).toEqual(['beta/classes', 'beta/poses'])
    expect(await names('q=nothing-like-it')).toEqual([])
    expect(await names(`q=${encodeURIComponent("'); drop table x --")}`)).toEqual([])
  })

  it('tolerates a typo, and reports how it understood the query', async () => {
    const found = await find('q=clases')
    expect(found.trainers.map(({ name }) => name)).toEqual(['beta/classes'])
    expect(found.corrected).toBe('classes')
    expect((await find('q=classes')).corrected).toBeUndefined()
  })

  it('filters by task and framework', async () => {
    expect(await names('task=pose')).toEqual(['beta/poses'])
    expect(await names('framework=pytorch')).toEqual(['acme/yolo-fast'])
    expect(await names('task=pose&framework=pytorch')).toEqual([])
    expect((await harness.request('/v1/trainers?task=flying')).status).toBe(400)
  })

  it('shows the highest version of a trainer that is not a prerelease', async () => {
    const trainer = Trainer.parse(await (await harness.request('/v1/trainers/acme/yolo-fast')).json())
    expect(trainer.latestVersion).toBe('1.2.0')
    expect(trainer.versions.map(({ version }) => version)).toEqual(['2.0.0-rc.1', '1.2.0', '1.0.0'])
    const pulled = await harness.request('/v2/acme/yolo-fast/manifests/latest')
    await pulled.arrayBuffer()
    expect(pulled.headers.get('docker-content-digest')).toBe(trainer.versions[1]?.digest)
  })

  it('shows a version with its checks, and an unpublished one to its owner only', async () => {
    const path = '/v1/trainers/acme/yolo-fast/versions/1.0.0'
    const version = TrainerVersion.parse(await (await harness.request(path)).json())
    expect(version).toMatchObject({ state: 'published', readme: '# Tiny\n' })
    expect(version.checks.map(({ name }) => name)).toEqual([
      'manifest',
      'secrets',
      'malware',
      'sbom',
      'vulnerabilities',
      'compliance',
    ])
    const hidden = '/v1/trainers/beta/hidden/versions/1.0.0'
    expect((await harness.request(hidden)).status).toBe(404)
    expect((await harness.request('/v1/trainers/beta/hidden')).status).toBe(404)
    const own = TrainerVersion.parse(await (await harness.request(hidden, { token })).json())
    expect(own.state).toBe('rejected')
  })

  it.each([
    ['^1.0', '1.2.0'],
    ['1.0.0', '1.0.0'],
    ['latest', '1.2.0'],
    ['>=2.0.0-rc.0', '2.0.0-rc.1'],
  ])('resolves %s to %s, with the address of the bundle', async (range, version) => {
    const path = `/v1/trainers/acme/yolo-fast/resolve?range=${encodeURIComponent(range)}`
    const resolved = ResolvedTrainer.parse(await (await harness.request(path)).json())
    expect(resolved.version).toBe(version)
    expect(resolved.image).toBeUndefined()
    const bundle = await harness.request(new URL(resolved.bundle?.url ?? '').pathname)
    expect((await bundle.arrayBuffer()).byteLength).toBe(resolved.bundle?.sizeBytes)
  })

  it('lists the versions if none is in the range', async () => {
    const response = await harness.request('/v1/trainers/acme/yolo-fast/resolve?range=^3')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'not_found', versions: ['2.0.0-rc.1', '1.2.0', '1.0.0'] })
    expect((await harness.request('/v1/trainers/acme/yolo-fast/resolve?range=not%20one')).status).toBe(400)
    expect((await harness.request('/v1/trainers/beta/hidden/resolve', { token })).status).toBe(404)
  })

  it('names the published trainer whose name is closest, and no other', async () => {
    const detailOf = async (name: string) =>
      ((await (await harness.request(`/v1/trainers/${name}/resolve`)).json()) as { detail: string }).detail
    expect(await detailOf('acme/yolo-fats')).toBe('Trainer "acme/yolo-fats" not found; did you mean "acme/yolo-fast"?')
    expect(await detailOf('acmee/yolo-fast')).toContain('did you mean "acme/yolo-fast"?')
    expect(await detailOf('beta/hiddn')).toBe('Trainer "beta/hiddn" not found')
    expect(await detailOf('beta/%25')).toBe('Trainer "beta/%" not found')
  })

  it('counts only pulls by others', async () => {
    const pullsOf = async () => (await find('q=poses')).trainers[0]?.pulls
    expect(await pullsOf()).toBe(0)
    const { bundle } = ResolvedTrainer.parse(await (await harness.request('/v1/trainers/beta/poses/resolve')).json())
    const path = new URL(bundle?.url ?? '').pathname
    for (const as of [{}, { token }]) await (await harness.request(path, as)).arrayBuffer()
    expect(await pullsOf()).toBe(1)
  })
})
