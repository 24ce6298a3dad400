import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blobKey } from '../oci/names.ts'
import { createHarness, digestOf, type Harness, pushBlob } from '../testing/harness.ts'
import { collectGarbage } from './collect-garbage.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

describe('the collector', () => {
  let harness: Harness
  let token: string
  let serial = 0

  beforeAll(async () => {
    harness = await createHarness({ config: { collectDelaySeconds: 0 } })
    token = await harness.token(['push:plain', 'admin:plain'])
  })
  afterAll(() => harness.close())

  const collect = () => collectGarbage(harness.registry.context)
  const isStored = async (digest: string) => (await harness.registry.context.store.find(blobKey(digest))) !== undefined
  const remove = (path: string) => harness.request(path, { method: 'DELETE', token })

  async function put(name: string, layers: readonly Buffer[]): Promise<{ digest: string; layers: string[] }> {
    const config = Buffer.from(JSON.stringify({ serial: ++serial }))
    const digests = []
    for (const bytes of [config, ...layers]) digests.push(await pushBlob(harness, { name, token, bytes }))
    return { digest: await putManifest(name, config, layers), layers: digests }
  }

  async function putManifest(name: string, config: Buffer, layers: readonly Buffer[]): Promise<string> {
    const describe = (bytes: Buffer) => ({ mediaType: 'x/y', digest: digestOf(bytes), size: bytes.byteLength })
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: describe(config),
      layers: layers.map(describe),
    })
    const headers = { 'content-type': MANIFEST }
    const pushed = await harness.request(`/v2/${name}/manifests/t`, { method: 'PUT', token, body, headers })
    if (pushed.status !== 201) throw new Error(`${pushed.status} ${await pushed.text()}`)
    return digestOf(body)
  }

  it('keeps what a manifest needs, and removes it after the last manifest that does', async () => {
    const shared = Buffer.from('a shared layer')
    const first = await put('plain/keep-one', [shared])
    const second = await put('plain/keep-two', [shared])
    await collect()
    for (const digest of [...first.layers, ...second.layers]) expect(await isStored(digest)).toBe(true)
    await remove(`/v2/plain/keep-one/manifests/${first.digest}`)
    await collect()
    expect(await isStored(digestOf(shared))).toBe(true)
    expect(await isStored(first.layers[0] ?? '')).toBe(false)
    await remove(`/v2/plain/keep-two/manifests/${second.digest}`)
    expect(await collect()).toMatchObject({ links: 2, blobs: 2 })
    expect(await isStored(digestOf(shared))).toBe(false)
    await put('plain/keep-two', [shared])
    expect(await isStored(digestOf(shared))).toBe(true)
  })

  it('removes a blob that no manifest followed, and one whose only link was deleted', async () => {
    const lonely = await pushBlob(harness, { name: 'plain/lonely', token, bytes: Buffer.from('lonely') })
    await collect()
    expect(await isStored(lonely)).toBe(false)
    expect((await harness.request(`/v2/plain/lonely/blobs/${lonely}`, { token })).status).toBe(404)
    const deleted = await pushBlob(harness, { name: 'plain/lonely', token, bytes: Buffer.from('deleted') })
    await remove(`/v2/plain/lonely/blobs/${deleted}`)
    await collect()
    expect(await isStored(deleted)).toBe(false)
  })

  it('waits after a push, a mount, and a HEAD of a client that may push', async () => {
    const { config } = harness
    const bytes = Buffer.from('waits')
    const digest = await pushBlob(harness, { name: 'plain/waits', token, bytes })
    const path = `/v2/plain/waits/blobs/${digest}`
    const queuedAt = async () => {
      const rows = await harness.registry.context.database.db
        .selectFrom('link_reviews')
        .select('queued_at')
        .where('digest', '=', digest)
        .orderBy('queued_at', 'desc')
        .execute()
      return rows[0]?.queued_at.getTime() ?? 0
    }
    Object.assign(config, { collectDelaySeconds: 3600 })
    try {
      const steps = [
        () => harness.request(path, { method: 'HEAD', token }),
        () =>
          harness.request(`/v2/plain/waits-too/blobs/uploads/?mount=${digest}&from=plain/waits`, {
            method: 'POST',
            token,
          }),
        () => pushBlob(harness, { name: 'plain/waits', token, bytes }),
      ]
      for (const step of steps) {
        const before = await queuedAt()
        await step()
        expect(await queuedAt()).toBeGreaterThan(before)
      }
      await collect()
      expect(await isStored(digest)).toBe(true)
    } finally {
      Object.assign(config, { collectDelaySeconds: 0 })
    }
    await collect()
    expect(await isStored(digest)).toBe(false)
  })

  it('answers a mount of a blob that is collected meanwhile as one of a blob that it does not have', async () => {
    const digest = await pushBlob(harness, { name: 'plain/raced', token, bytes: Buffer.from('raced') })
    const { database } = harness.registry.context
    const isWaiting = async () => {
      const { rows } = await sql`
        select 1 from pg_stat_activity
        where application_name = ${`trainyard-${database.schema}`} and wait_event_type = 'Lock'
      `.execute(database.db)
      return rows.length > 0
    }
    const path = `/v2/plain/raced-too/blobs/uploads/?mount=${digest}&from=plain/raced`
    const mounted = await database.transaction(async (trx) => {
      await trx.selectFrom('blobs').select('digest').where('digest', '=', digest).forUpdate().execute()
      const answer = harness.request(path, { method: 'POST', token })
      while (!(await isWaiting())) await sleep(5)
      await trx.deleteFrom('repository_blobs').where('digest', '=', digest).execute()
      await trx.deleteFrom('blobs').where('digest', '=', digest).execute()
      return { answer }
    })
    expect((await mounted.answer).status).toBe(202)
  })

  it('removes old uploads with their chunks, and chunks without an upload; no folder is left empty', async () => {
    const open = async () => {
      const opened = await harness.request('/v2/plain/old/blobs/uploads/', { method: 'POST', token })
      return opened.headers.get('location') ?? ''
    }
    const left = await open()
    const other = await open()
    for (const location of [left, other]) {
      await harness.request(location, { method: 'PATCH', token, body: Buffer.from('part') })
    }
    const { database, store } = harness.registry.context
    await database.db
      .updateTable('uploads')
      .set({ created_at: new Date(0) })
      .where('id', '=', left.split('/').at(-1) ?? '')
      .execute()
    await database.db
      .deleteFrom('uploads')
      .where('id', '=', other.split('/').at(-1) ?? '')
      .execute()
    expect(await collect()).toMatchObject({ uploads: 1 })
    for await (const { key } of store.list('uploads/')) throw new Error(`${key} is left`)
    expect((await harness.request(left, { token })).status).toBe(404)
    const folders = await readdir(join(harness.config.dataDir, 'store', 'objects'), { withFileTypes: true })
    expect(folders.map(({ name }) => name)).toEqual(['blobs'])
  })

  it('loses nothing that was pushed while it collects all the time', { timeout: 60_000 }, async () => {
    Object.assign(harness.config, { collectDelaySeconds: 2 })
    let isPushing = true
    const collecting = (async () => {
      while (isPushing) {
        await collect()
        await sleep(5)
      }
    })()
    const base = Buffer.from('a base layer of all')
    const held = new Map<string, readonly string[]>()
    const push = async (worker: number) => {
      for (let round = 0; round < 5; round++) {
        const name = `plain/soak-${worker}-${round % 2}`
        const { digest, layers } = await put(name, [base, Buffer.from(`layer ${worker} ${round}`)])
        held.set(`${name}@${digest}`, layers)
        if (round % 2 === 0) {
          await remove(`/v2/${name}/manifests/${digest}`)
          held.delete(`${name}@${digest}`)
        }
      }
    }
    try {
      await Promise.all([1, 2, 3, 4].map(push))
    } finally {
      isPushing = false
      await collecting
    }
    // Links first, and after another delay the blobs that lost them.
    for (let pass = 0; pass < 2; pass++) {
      await sleep(2100)
      await collect()
    }
    for (const [reference, layers] of held) {
      const [name, digest] = reference.split('@')
      expect((await harness.request(`/v2/${name}/manifests/${digest}`, { token })).status).toBe(200)
      for (const layer of layers) {
        const got = await harness.request(`/v2/${name}/blobs/${layer}`, { token })
        expect([got.status, digestOf(new Uint8Array(await got.arrayBuffer()))]).toEqual([200, layer])
      }
    }
    const rows = await harness.registry.context.database.db.selectFrom('blobs').select('digest').execute()
    const needed = new Set([...held.values()].flat())
    // The image of the first test is held, too.
    expect(rows.filter(({ digest }) => !needed.has(digest))).toHaveLength(2)
  })
})

it('a namespace has a quota, and its refusal says what is used and allowed', async () => {
  const harness = await createHarness({ config: { namespaceBytes: 1000 } })
  try {
    const token = await harness.token(['push:plain'])
    const push = (bytes: Buffer) => pushBlob(harness, { name: 'plain/quota', token, bytes })
    const first = Buffer.alloc(600, 'a')
    await push(first)
    // The same bytes count once, also in another repository.
    await pushBlob(harness, { name: 'plain/quota-too', token, bytes: Buffer.alloc(10, 'b') })
    await expect(push(Buffer.alloc(600, 'c'))).rejects.toThrow(
      /413.+DENIED.+\\"plain\\" uses 610 of 1000 bytes, uploads that have not ended reserve 0, and 600 or more are to be added/,
    )
    const opened = await harness.request('/v2/plain/quota/blobs/uploads/', { method: 'POST', token })
    const body = new Blob([Buffer.alloc(600, 'c')]).stream()
    const streamed = { method: 'PATCH', token, body, duplex: 'half' } as RequestInit
    expect((await harness.request(opened.headers.get('location') ?? '', streamed)).status).toBe(413)
    await pushBlob(harness, { name: 'plain/quota-too', token, bytes: first })
    await push(Buffer.alloc(390, 'd'))
    const full = await harness.request('/v2/plain/quota/blobs/uploads/', { method: 'POST', token })
    expect(full.status).toBe(413)
  } finally {
    await harness.close()
  }
})
