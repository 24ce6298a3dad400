import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle, trainerManifest } from '../testing/harness.ts'

const HOSTILE = '<script>alert("1")</script> & ]]>'

describe('badges and feeds', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await createHarness({ config: { pagesUrl: 'https://pages.trainyard.test' } })
    await harness.registry.start()
    const token = await harness.token(['push:acme'])
    const push = (version: string, description: string) => {
      const manifest = Object.assign({}, trainerManifest('acme/fed', version), { description })
      return pushBundle(harness, { name: 'acme/fed', version, token, manifest })
    }
    await endOfCheck(harness, token, await push('1.0.0', 'plain'))
    await endOfCheck(harness, token, await push('1.1.0-rc.1', HOSTILE))
    await endOfCheck(harness, token, await push('1.1.0', HOSTILE))
    const { db } = harness.registry.context.database
    await db
      .insertInto('repositories')
      .values({ name: 'acme/secret', namespace: 'acme', latest_version: null, published_at: null })
      .execute()
  })
  afterAll(() => harness.close())

  const read = async (path: string) => {
    const response = await harness.request(path)
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }

  it('a badge has the latest version and its tier of trust', async () => {
    const { status, type, text } = await read('/v1/trainers/acme/fed/badge')
    expect([status, type]).toEqual([200, 'image/svg+xml; charset=utf-8'])
    expect(text).toContain('<title>trainyard: 1.1.0 checked</title>')
    expect((await read('/v1/trainers/acme/secret/badge')).status).toBe(404)
  })

  it('the feed of a trainer lists its published versions, the last first, and links to their pages', async () => {
    const { status, type, text } = await read('/v1/trainers/acme/fed/feed')
    expect([status, type]).toEqual([200, 'application/rss+xml; charset=utf-8'])
    const titles = [...text.matchAll(/<item><title>([^<]*)<\/title>/g)].map(([, title]) => title)
    expect(titles).toEqual(['acme/fed 1.1.0', 'acme/fed 1.1.0-rc.1', 'acme/fed 1.0.0'])
    expect(text).toContain('<link>https://pages.trainyard.test/trainers/acme/fed?version=1.1.0-rc.1</link>')
    expect((await read('/v1/trainers/acme/secret/feed')).status).toBe(404)
  })

  it('the feed of all trainers has what strangers see, and texts of authors are escaped', async () => {
    const { text } = await read('/v1/feed')
    expect(text).toContain('<link>https://pages.trainyard.test/trainers/acme/fed</link>')
    expect(text).toContain('&lt;script&gt;')
    expect(text).not.toContain('acme/secret')
    expect(text).not.toContain('<script')
    expect(text).not.toContain('\u0001')
  })
})
