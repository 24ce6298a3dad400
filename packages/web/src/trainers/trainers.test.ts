import type { Trust } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'
import { ago, manifest, trainerFixture, versionFixture } from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'

async function text(app: ReturnType<typeof createTestWeb>['app'], path: string) {
  const response = await app.request(path)
  return { status: response.status, html: await response.text() }
}

describe('the list of trainers', () => {
  test('links each trainer to its page', async () => {
    const { status, html } = await text(createTestWeb().app, '/')
    expect(status).toBe(200)
    expect(html).toContain('<!doctype html>')
    expect(html).toContain('<a href="/trainers/trainyard/tfjs-classifier">TensorFlow.js classifier</a>')
    expect(html).toContain(`<time datetime="${ago(3 * 86_400)}"`)
    expect(html).toContain('3 days ago')
  })

  test('keeps the search text and passes it to the registry', async () => {
    const { api, app } = createTestWeb()
    const { html } = await text(app, '/?q=tf%22js&task=classification&framework=tfjs')
    expect(html).toContain('value="tf&quot;js"')
    expect(html).toContain('<input type="hidden" name="task" value="classification"/>')
    expect(html).toContain('<input type="hidden" name="framework" value="tfjs"/>')
    expect(api.requests).toContain('GET /v1/trainers?q=tf%22js&task=classification&framework=tfjs&limit=20')
  })

  test('links every filter with its count, removes one that is chosen, and keeps the rest of the query', async () => {
    const { html } = await text(createTestWeb().app, '/?q=tf&export=tfjs&sort=newest')
    expect(html).toMatch(
      /href="\/\?q=tf&amp;sort=newest"[^>]*aria-current="true"[^>]*>tfjs<span class="chip-count"> 1</,
    )
    expect(html).toContain('href="/?q=tf&amp;export=tfjs&amp;sort=newest&amp;license=Apache-2.0"')
    expect(html).toContain('href="/?q=tf&amp;export=tfjs&amp;sort=name"')
    expect(html).toContain('<input type="hidden" name="sort" value="newest"/>')
  })

  test('filters by how far the latest version was checked', async () => {
    const { api, app } = createTestWeb()
    const { html } = await text(app, '/?tier=checked_in_part')
    expect(api.requests).toContain('GET /v1/trainers?tier=checked_in_part&limit=20')
    expect(html).toContain('>checked in part<')
    expect(html).not.toContain('>checked_in_part<')
  })

  test('says how a mistyped query was understood', async () => {
    const { html } = await text(createTestWeb({ trainers: [] }).app, '/?q=clasifier')
    expect(html).toContain('These are the results for <strong>classifier</strong>')
  })

  test('explains how to publish when the list is empty', async () => {
    const { html } = await text(createTestWeb({ trainers: [] }).app, '/')
    expect(html).toContain('trainyard publish')
  })

  test('offers to show all when nothing matches', async () => {
    const { html } = await text(createTestWeb().app, '/?q=nothing-like-this')
    expect(html).toContain('No trainers found')
    expect(html).not.toContain('trainyard publish')
  })

  test('links to the next page and back to the first', async () => {
    const many = Array.from({ length: 25 }, (_, index) => ({ ...trainerFixture(), name: `many/trainer-${index}` }))
    const { app } = createTestWeb({ trainers: many })
    const first = await text(app, '/?q=tensorflow')
    expect(first.html).toContain('href="/?q=tensorflow&amp;cursor=20"')
    const second = await text(app, '/?q=tensorflow&cursor=20')
    expect(second.html).toContain('many/trainer-24')
    expect(second.html).toContain('href="/?q=tensorflow"')
    expect(second.html).not.toContain('Next page')
  })

  test('ignores a task that does not exist', async () => {
    const { api, app } = createTestWeb()
    expect((await text(app, '/?task=cooking')).status).toBe(200)
    expect(api.requests).toContain('GET /v1/trainers?limit=20')
  })

  test('renders hostile names as text', async () => {
    const hostile = { ...trainerFixture(), displayName: HOSTILE, description: HOSTILE, framework: HOSTILE }
    const { html } = await text(createTestWeb({ trainers: [hostile] }).app, `/?q=${encodeURIComponent('">')}`)
    expect(html).not.toContain('<img')
    expect(html).not.toContain('<script>')
  })
})

describe('the page of a trainer', () => {
  const path = '/trainers/trainyard/tfjs-classifier'

  test('has README, settings, versions, checks and the commands', async () => {
    const { status, html } = await text(createTestWeb().app, path)
    expect(status).toBe(200)
    expect(html).toContain('<h3>Classifier on MobileNet</h3>')
    expect(html).toContain('<code>label_smoothing</code>')
    expect(html).toContain('href="/trainers/trainyard/tfjs-classifier?version=1.3.2"')
    expect(html).toContain('href="https://docs.trainyard.example/rules/TY204"')
    expect(html).toContain('http://runner.test/v1/jobs')
  })

  test('folds all but the newest versions, and keeps those of channels and the one that is shown', async () => {
    const [first] = trainerFixture().versions
    if (first === undefined) throw new Error('expected a version')
    const versions = Array.from({ length: 31 }, (_, index) => ({ ...first, version: `1.${30 - index}.0` }))
    const channels = [{ name: 'stable', version: '1.3.0', isSet: true }]
    const trainer = { ...trainerFixture(), versions, channels, latestVersion: '1.30.0' }
    const { html } = await text(
      createTestWeb({ trainers: [trainer], versions: [versionFixture({ version: '1.30.0' })] }).app,
      path,
    )
    const [open = '', folded = ''] = html.split('<h2 id="versions"')[1]?.split(/<.?details/) ?? []
    expect(folded).toContain('22 more versions')
    const linked = (part: string) => [...part.matchAll(/\?version=1\.(\d+)\.0/g)].map(([, minor]) => Number(minor))
    expect(linked(open)).toEqual([30, 29, 28, 27, 26, 25, 24, 23, 3])
    expect(linked(folded)).toHaveLength(22)
  })

  test('shows the results of checks and findings in words', async () => {
    const { html } = await text(createTestWeb().app, path)
    for (const word of ['Passed', 'Skipped', 'Warning', 'Info', 'Published', 'Deprecated', 'Yanked']) {
      expect(html).toMatch(new RegExp(`</span>${word}</span>`))
    }
    expect(html).toContain('No scanner is installed on this registry.')
  })

  test('shows how many packages an image contains, and gives their list', async () => {
    const { app } = createTestWeb()
    const { html } = await text(app, path)
    const link = `${path}/versions/1.4.0/sbom?part=image`
    expect(html).toContain(`<a href="${link}">180 in the image (CycloneDX)</a>`)
    const response = await app.request(link)
    expect(response.headers.get('content-type')).toBe('application/vnd.cyclonedx+json')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="tfjs-classifier-1.4.0.cdx.json"')
    expect(await response.json()).toMatchObject({ components: [{ name: 'of the image' }] })
  })

  test('shows another version on request', async () => {
    const old = versionFixture({
      version: '1.3.2',
      state: 'deprecated',
      manifest: { ...manifest, version: '1.3.2', displayName: 'The old one' },
      readme: '# Old words',
    })
    const { html } = await text(createTestWeb({ versions: [versionFixture(), old] }).app, `${path}?version=1.3.2`)
    expect(html).toContain('<h1>The old one</h1>')
    expect(html).toContain('Old words')
    expect(html).toContain('Latest is 1.4.0')
  })

  describe('for its owner', () => {
    const own = { trainers: [{ ...trainerFixture(), mayChange: true }] }
    const post = (app: ReturnType<typeof createTestWeb>['app'], action: string, body: Record<string, string> = {}) =>
      app.request(`${path}/versions/1.4.0/${action}`, {
        method: 'POST',
        body: new URLSearchParams(body),
        headers: { 'sec-fetch-site': 'same-origin' },
      })

    test('has forms to set a channel, deprecate and yank, which strangers do not see', async () => {
      const { html } = await text(createTestWeb(own).app, path)
      for (const action of ['channel', 'deprecate', 'yank'])
        expect(html).toContain(`action="${path}/versions/1.4.0/${action}"`)
      expect((await text(createTestWeb().app, path)).html).not.toContain('Manage 1.4.0')
    })

    test.each([
      ['channel', { channel: 'stable' }, 'POST /v1/trainers/trainyard/tfjs-classifier/channels'],
      ['channels/stable/remove', {}, 'DELETE /v1/trainers/trainyard/tfjs-classifier/channels/stable'],
      ['deprecate', { message: 'old' }, 'POST /v1/trainers/trainyard/tfjs-classifier/versions/1.4.0/deprecate'],
      ['undeprecate', {}, 'DELETE /v1/trainers/trainyard/tfjs-classifier/versions/1.4.0/deprecate'],
      ['yank', { reason: 'broken' }, 'POST /v1/trainers/trainyard/tfjs-classifier/versions/1.4.0/yank'],
      ['unyank', {}, 'DELETE /v1/trainers/trainyard/tfjs-classifier/versions/1.4.0/yank'],
    ])('sends the form %s, and returns to the version', async (action, body, request) => {
      const { api, app } = createTestWeb(own)
      const response = await post(app, action, body)
      expect([response.status, response.headers.get('location')]).toEqual([
        303,
        `${path}?version=1.4.0&done=yes#manage`,
      ])
      expect(api.requests).toContain(request)
    })

    test('shows how much it is used as a chart and by version, which strangers do not see', async () => {
      const { html } = await text(createTestWeb(own).app, path)
      expect(html).toContain('aria-label="15 pulls in 3 days, at most 12 on one day"')
      expect(html).toContain('<title>2026-11-12: 12 pulls</title>')
      expect(html).toContain('75 %')
      const { api, app } = createTestWeb()
      expect((await text(app, path)).html).not.toContain('usage-chart')
      expect(api.requests.some((request) => request.includes('usage'))).toBe(false)
    })

    test('shows why a form was refused', async () => {
      const response = await post(createTestWeb(own).app, 'channel', { channel: 'Not a Name' })
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('must begin with a letter')
    })
  })

  test('says why a version is deprecated and what to use', async () => {
    const old = versionFixture({
      state: 'deprecated',
      deprecation: { message: `old ${HOSTILE}`, replacement: 'acme/new' },
    })
    const { html } = await text(createTestWeb({ versions: [old] }).app, path)
    expect(html).toContain('This version is deprecated: old')
    expect(html).toContain('<a href="/trainers/acme/new">acme/new</a>')
    expect(html).not.toContain('<img')
  })

  test('is complete when a version’s manifest could not be parsed', async () => {
    const broken = versionFixture({
      version: '1.3.1',
      state: 'rejected',
      manifest: undefined,
      readme: undefined,
      checks: [],
    })
    const { status, html } = await text(createTestWeb({ versions: [broken] }).app, `${path}?version=1.3.1`)
    expect(status).toBe(200)
    expect(html).toContain('Rejected')
    expect(html).toContain('This version has no README.')
  })

  test('shows the pictures of the README from its own origin, if they are pictures', async () => {
    const version = versionFixture({ readme: '![Curve](docs/curve.png)', readmePictures: ['docs/curve.png'] })
    const { app, api } = createTestWeb({ versions: [version] })
    const { html } = await text(app, path)
    const [, src = ''] = /<img src="([^"]+)" alt="Curve"/.exec(html) ?? []
    expect(src).toBe(`${path}/versions/${version.version}/picture?path=docs%2Fcurve.png`)
    const gif = Buffer.from('GIF89a\u0003\u0000\u0004\u0000', 'latin1')
    api.pictures = { 'docs/curve.png': { type: 'image/gif', body: new Uint8Array(gif) } }
    const picture = await app.request(src)
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/gif'])
    expect(Buffer.from(await picture.arrayBuffer())).toEqual(gif)
    api.pictures = { 'docs/curve.png': { type: 'image/png', body: '<svg onload=alert(1)>' } }
    expect((await app.request(src)).status).toBe(415)
    expect((await app.request(src.replace('curve', 'none'))).status).toBe(404)
  })

  test('shows the copy of a picture that lies on another server, never that server', async () => {
    const version = versionFixture({
      readme: '![Badge](https://a.example/b.svg) ![Curve](https://a.example/curve.png#x)',
      readmePictures: ['https://a.example/curve.png'],
    })
    const { html } = await text(createTestWeb({ versions: [version] }).app, path)
    const [, src = ''] = /<img src="([^"]+)" alt="Curve"/.exec(html) ?? []
    expect(src).toBe(`${path}/versions/${version.version}/picture?path=https%3A%2F%2Fa.example%2Fcurve.png`)
    expect(html).toContain('<a href="https://a.example/b.svg" rel="nofollow ugc noopener noreferrer">Badge</a>')
  })

  test('answers 404 for an unknown trainer or version', async () => {
    const { app } = createTestWeb()
    const trainer = await text(app, '/trainers/acme/none')
    expect(trainer.status).toBe(404)
    expect(trainer.html).toContain('Trainer &quot;acme/none&quot; not found')
    expect((await text(app, `${path}?version=9.9.9`)).status).toBe(404)
  })

  test('renders hostile findings as text and links http addresses only', async () => {
    const hostile = versionFixture({
      checks: [
        {
          name: HOSTILE,
          status: 'failed',
          reason: HOSTILE,
          findings: [
            {
              code: 'TY001',
              severity: 'error',
              message: HOSTILE,
              file: HOSTILE,
              fingerprint: 'x',
              help: HOSTILE,
              docsUrl: 'javascript:alert(1)',
            },
          ],
        },
      ],
    })
    const { html } = await text(createTestWeb({ versions: [hostile] }).app, path)
    expect(html).not.toContain('<img')
    expect(html).not.toContain('<script>')
    expect(html).not.toContain('javascript:')
  })
})

describe('the tier of trust', () => {
  const trust: Trust = { tier: 'checked_in_part', skipped: [{ check: 'malware', reason: '<b>no scanner</b>' }] }

  test('stands beside the version, with what was skipped and why', async () => {
    const { app } = createTestWeb({
      trainers: [{ ...trainerFixture(), trust }],
      versions: [{ ...versionFixture(), trust }],
    })
    expect((await text(app, '/')).html).toContain('Checked in part')
    const { html } = await text(app, '/trainers/trainyard/tfjs-classifier')
    expect(html).toContain('Checked in part')
    expect(html).toContain('Not checked: malware (&lt;b&gt;no scanner&lt;/b&gt;).')
  })
})

test('a trainer links its feed and its badge, and shows who signed a version', async () => {
  const digest = `sha256:${'0'.repeat(64)}`
  const base = { digest, subject: digest }
  const signatures = [
    {
      ...base,
      verified: true,
      signer: 'https://github.com/a/b<i>',
      issuer: 'https://i.test',
      predicateType: 'https://slsa.dev/provenance/v1',
    },
    { ...base, verified: false, reason: 'it was made with a key' },
  ]
  const { app } = createTestWeb({ versions: [{ ...versionFixture(), signatures }] })
  const { html } = await text(app, '/trainers/trainyard/tfjs-classifier')
  expect(html).toContain('/v1/trainers/trainyard/tfjs-classifier/feed"')
  expect(html).toContain('/v1/trainers/trainyard/tfjs-classifier/badge"')
  expect(html).toContain('<strong>Verified</strong>: provenance by <code>https://github.com/a/b&lt;i&gt;</code>')
  expect(html).toContain('<strong>Not verified</strong>: a signature')
  expect(html).toContain('it was made with a key')
})
