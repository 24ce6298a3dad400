import { Dataset } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'
import { datasetFixture, imagesFixture } from '../testing/fixtures.ts'
import { peopleFixture } from '../testing/people-fixtures.ts'
import { createTestWeb } from '../testing/web.ts'

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
type App = ReturnType<typeof createTestWeb>['app']

async function open(app: App, path: string) {
  const response = await app.request(path)
  return { status: response.status, html: await response.text(), response }
}

const remove = (app: App) =>
  app.request('/datasets/ds_1/delete', { method: 'POST', headers: { origin: 'http://localhost' } })

describe('the list of datasets', () => {
  test('links each dataset with its task, images, classes and size', async () => {
    const { html } = await open(createTestWeb().app, '/datasets')
    expect(html).toContain('<a href="/datasets/ds_1"><bdi>flowers</bdi></a>')
    for (const fact of ['classification', '3,670 images', '5 classes', 'imagefolder', '1 day ago', '229 MB'])
      expect(html).toContain(fact.replace('1 day ago', 'yesterday'))
  })

  test('says how to upload the first one', async () => {
    expect((await open(createTestWeb({ datasets: [] }).app, '/datasets')).html).toMatch(
      /datasets push my-folder[\s\S]*id="upload"/,
    )
  })

  test('without a session leads to the sign-in page and back', async () => {
    const { response } = await open(createTestWeb(peopleFixture()).app, '/datasets/ds_1?class=2')
    expect(response.headers.get('location')).toBe('/sign-in?to=%2Fdatasets%2Fds_1%3Fclass%3D2')
  })
})

describe('the page of a dataset', () => {
  test('draws boxes, outlines and keypoints on its pictures, in the colours of the classes', async () => {
    const { html } = await open(createTestWeb().app, '/datasets/ds_1')
    expect(html).toContain('src="/datasets/ds_1@1/picture?path=train%2Fdaisy%2F1.png"')
    expect(html).toContain('<rect x="10" y="10" width="40" height="30" fill-opacity="0.08"')
    expect(html).toContain('<polygon points="5 5 60 10 40 50"')
    expect(html).toMatch(
      /<path class="dot" d="M20 20h0" opacity="1"[\s\S]*<path class="dot" d="M30 30h0" opacity="0.45"/,
    )
    expect(html).not.toContain('d="M0 0h0"')
    expect(html).toContain('alt="train/daisy/1.png: daisy"')
    expect(html).toContain('alt="val/4.png: not labelled"')
  })

  test('names what was left out', async () => {
    const losses = [{ reason: 'image-unreadable', count: 1200, examples: ['Image "<a>.png" is damaged'] }]
    const { app } = createTestWeb({ datasets: [Dataset.parse({ ...datasetFixture(), losses })] })
    const { html } = await open(app, '/datasets/ds_1')
    expect(html).toContain('Left out or changed: image-unreadable 1,200')
    expect(html).toContain('<bdi>Image &quot;&lt;a&gt;.png&quot; is damaged</bdi>')
    expect((await open(createTestWeb().app, '/datasets/ds_1')).html).not.toContain('Left out or changed')
  })

  test('shows its versions with their messages, and an older one with links to itself', async () => {
    const newer = Dataset.parse({ ...datasetFixture(), version: 2, message: 'more <b>daisies</b>' })
    const { app, api } = createTestWeb({ datasets: [datasetFixture(), newer] })
    const latest = (await open(app, '/datasets/ds_1')).html
    expect(latest).toMatch(/<dt>Version<\/dt><dd>2: <bdi>more &lt;b&gt;daisies&lt;\/b&gt;<\/bdi>/)
    expect(latest).toContain('<a href="/datasets/ds_1@2" aria-current="page">2</a>')
    expect(latest).toContain('<a href="/datasets/ds_1@1">1</a>')
    expect(latest).toContain('href="/jobs/new?dataset=ds_1"')
    const older = (await open(app, '/datasets/ds_1@1')).html
    expect(older).toContain('<a href="/datasets/ds_1">the latest is 2</a>')
    expect(older).toContain('href="/jobs/new?dataset=ds_1%401"')
    expect(older).toContain('src="/datasets/ds_1@1/picture?path=')
    expect(api.requests).toContain('GET /v1/datasets/ds_1%401/classes?limit=200')
  })

  test('adds a version from its form, with and without scripts', async () => {
    const { app, api } = createTestWeb()
    expect((await open(app, '/datasets/ds_1')).html).toContain('name="dataset" type="hidden" value="ds_1"')
    const body = new FormData()
    for (const [name, value] of [
      ['dataset', 'ds_1'],
      ['message', 'at night'],
      ['archive', new File(['a tar'], 'flowers.tar')],
    ] as const)
      body.append(name, value)
    const posted = await app.request('/datasets/upload', {
      method: 'POST',
      body,
      headers: { origin: 'http://localhost' },
    })
    expect([posted.status, posted.headers.get('location')]).toEqual([303, '/datasets/ds_1@2'])
    const put = await app.request('/datasets/upload?dataset=ds_1&message=', {
      method: 'PUT',
      body: 'a tar',
      headers: { origin: 'http://localhost', 'content-type': 'application/octet-stream' },
    })
    expect(await put.json()).toEqual({ next: '/datasets/ds_1@3' })
    expect(api.datasets.map(({ message }) => message)).toEqual([undefined, 'at night', undefined])
    expect(api.requests).toContain('POST /v1/datasets/ds_1/versions?message=at+night')
  })

  test('asks for no picture that is too large to draw, and shows why', async () => {
    const { html } = await open(createTestWeb().app, '/datasets/ds_1')
    expect(html).toContain('Too large to draw: 20000 × 20000 px')
    expect(html).not.toContain('<img src="/datasets/ds_1@1/picture?path=test%2Fhuge.png"')
  })

  test('filters by class and split, and leads on', async () => {
    const { app, api } = createTestWeb()
    const { html } = await open(app, '/datasets/ds_1?class=2&split=train')
    expect(api.requests).toContain('GET /v1/datasets/ds_1/images?class=2&split=train&limit=24')
    expect(html).toMatch(/<option value="2" selected="">rose \(3\)/)
    expect(html).toMatch(/<option value="train" selected="">Training/)
    expect(html.match(/class="tile"/g)).toHaveLength(1)
    expect((await open(app, '/datasets/ds_1?class=-1&split=all&cursor=')).status).toBe(200)
  })

  test('shows how many images each class is on, with the most frequent of 100,000', async () => {
    const classes = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `class-${id}` }))
    const { app } = createTestWeb({ datasets: [datasetFixture({ classes })] })
    const { html } = await open(app, '/datasets/ds_1')
    expect(html).toContain('href="/datasets/ds_1@1?class=0#images"')
    expect(html).toContain('The 99,800 classes on the fewest images are not listed.')
    expect(html.length).toBeLessThan(250_000)
  })

  test('leads to a job with it', async () => {
    expect((await open(createTestWeb().app, '/datasets/ds_1')).html).toContain('href="/jobs/new?dataset=ds_1"')
  })

  test.each([
    ['a hostile name', HOSTILE],
    ['200 characters', 'w'.repeat(200)],
    ['right-to-left text and emoji', '\u202eمجموعة 🌻'],
  ])('keeps %s of a dataset, a class and a file as text', async (_, name) => {
    const classes = [{ id: 0, name, color: '#123456"onload="x' }]
    const images = imagesFixture().map((image) => ({ ...image, path: `a/${name}`, classIds: [0] }))
    const { html, status } = await open(
      createTestWeb({ datasets: [datasetFixture({ name, classes })], images }).app,
      '/datasets/ds_1',
    )
    expect(status).toBe(200)
    expect(html).not.toMatch(/<script>|<img src=x|onload="/)
    expect(html).toContain('<bdi>')
  })

  test('deletes after a question, and says why not', async () => {
    const { app, api } = createTestWeb({ datasets: [datasetFixture({ name: 'in use' })] })
    expect((await open(app, '/datasets/ds_1')).html).toContain('Delete this dataset?')
    const refused = await remove(app)
    expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('is in use by job 42')])
    api.datasets = [datasetFixture()]
    const deleted = await remove(app)
    expect([deleted.status, deleted.headers.get('location')]).toEqual([303, '/datasets?done=deleted'])
    expect(api.datasets).toEqual([])
  })

  test('a picture is passed on with an image type only', async () => {
    const pictures = { 'a.png': { type: 'image/png', body: 'x' }, 'a.svg': { type: 'image/svg+xml', body: '<svg/>' } }
    const { app } = createTestWeb({ pictures: { ...pictures, 'a.html': { type: 'text/html', body: '<b>' } } })
    const { response } = await open(app, '/datasets/ds_1/picture?path=a.png')
    expect(response.headers.get('content-type')).toBe('image/png')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    for (const path of ['a.svg', 'a.html', 'none']) {
      const { status, html } = await open(app, `/datasets/ds_1/picture?path=${path}`)
      expect(status).toBe(404)
      expect(html).not.toContain('<svg/>')
    }
  })
})

describe('an upload', () => {
  const form = (fields: Record<string, string>, archive?: string) => {
    const body = new FormData()
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    if (archive !== undefined) body.set('archive', new File([archive], 'set.zip'))
    return { method: 'POST', headers: { origin: 'http://localhost' }, body }
  }

  test('by a form without scripts is streamed to the server, and leads to the dataset', async () => {
    const { app, api } = createTestWeb()
    const response = await app.request('/datasets/upload', form({ name: 'مجموعة 🌻' }, 'z'.repeat(3_000_000)))
    expect([response.status, response.headers.get('location')]).toEqual([303, '/datasets/ds_up0'])
    expect(api.uploads[0]?.length).toBe(3_000_000)
    expect(api.datasets.at(-1)?.name).toBe('مجموعة 🌻')
  })

  test('that is refused says why and keeps the name', async () => {
    const response = await createTestWeb().app.request('/datasets/upload', form({ name: 'mine' }, 'short'))
    expect(response.status).toBe(422)
    const html = await response.text()
    expect(html).toContain('The archive is empty')
    expect(html).toContain('value="mine"')
  })

  test.each([
    ['no archive', form({ name: 'x' }), 400],
    [
      'another form',
      { method: 'POST', headers: { origin: 'http://localhost' }, body: new URLSearchParams({ a: 'b' }) },
      415,
    ],
    ['a form of another site', { ...form({ name: 'x' }, 'y'), headers: { origin: 'http://evil.test' } }, 403],
    [
      'a script with the wrong type',
      { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{}' },
      415,
    ],
  ])('with %s is refused', async (_, init, status) => {
    expect((await createTestWeb().app.request('/datasets/upload', init)).status).toBe(status)
  })

  test('without a session leads to the sign-in page', async () => {
    const response = await createTestWeb(peopleFixture()).app.request('/datasets/upload', form({ name: 'x' }, 'y'))
    expect(response.headers.get('location')).toMatch(/^\/sign-in/)
  })
})

test.each([
  ['download?as=word', '"as" is "word": expected '],
  ['diff?from=x', '"from" is "x": expected the number of a version'],
  ['diff?from=-1', '"from" is "-1"'],
])('a wrong value in the address is named, and not replaced, before anything is asked: %s', async (path, text) => {
  const { app, api } = createTestWeb()
  const { response, html } = await open(app, `/datasets/ds_1/${path}`)
  expect(response.status).toBe(400)
  expect(api.requests.filter((request) => request.includes('/v1/datasets'))).toEqual([])
  expect(html.replaceAll('&quot;', '"')).toContain(text)
})

test('the report of a version keeps its styles, and can run nothing', async () => {
  const { response, html } = await open(createTestWeb().app, '/datasets/ds_1/report')
  expect(html).toContain('The report')
  const policy = response.headers.get('content-security-policy')
  expect(policy).toBe("default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox")
  expect(response.headers.get('x-frame-options')).toBe('DENY')
})
