import { encode } from 'node:querystring'
import { JobValidation, StoredEvent } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'
import { artifactFixture, jobFixture, NOW, predictJob } from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'
import { ratesOf } from './class-pictures.tsx'
import { confusedPairs } from './validation.tsx'

const HOSTILE = '<img src=x onerror=alert(1)>'
/** One white pixel. */
const PNG = Uint8Array.from(
  Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=', 'base64'),
)
const HTML = new TextEncoder().encode('<!doctype html><script>alert(1)</script>')
const SVG = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')

const validation = (more: object) =>
  JobValidation.parse({
    attempt: 1,
    seq: 9,
    time: NOW.toISOString(),
    epoch: 8,
    split: 'val',
    primary: { name: 'top1_accuracy', value: 0.9, goal: 'maximize' },
    metrics: {},
    ...more,
  })
const pageOf = async (state: Parameters<typeof createTestWeb>[0], path = '/jobs/42') => {
  const response = await createTestWeb(state).app.request(path)
  expect(response.status).toBe(200)
  return await response.text()
}

describe('the newest validation', () => {
  test('has the values of each class as bars, the weakest first, the primary metric in the first column', async () => {
    const perClass = {
      good: { recall: 0.7, top1_accuracy: 0.9 },
      weak: { recall: 0.9, top1_accuracy: 0.25 },
      [HOSTILE]: { recall: 'NaN', top1_accuracy: 12 },
    }
    const html = await pageOf({ validations: [validation({ perClass })] })
    const section = /<section id="job-validation".*?<\/section>/s.exec(html)?.[0] ?? html
    expect(html).toContain('epoch 8, on the val split')
    expect([...html.matchAll(/<th scope="row"><bdi>([^<]*)</g)].map(([, name]) => name).slice(0, 3)).toEqual([
      'weak',
      'good',
      '&lt;img src=x onerror=alert(1)&gt;',
    ])
    expect(html.indexOf('<bdi>top1_accuracy</bdi></th>')).toBeLessThan(html.indexOf('<bdi>recall</bdi></th>'))
    expect(section).toContain('<rect class="bar-value" width="25"')
    expect(section).not.toContain('width="1200"')
    expect(section).not.toContain('<img')
  })

  test('of 100,000 classes fits a page', async () => {
    const perClass = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, index) => [`class ${index}`, { recall: index / 100_000 }]),
    )
    const html = await pageOf({ validations: [validation({ perClass })] })
    expect(html.length).toBeLessThan(200_000)
    expect(html).toContain('99,950 more classes with better values are not shown.')
  })

  test('has a confusion matrix and the pairs that are confused most', async () => {
    const confusionMatrix = { classes: ['cat', 'dog', HOSTILE], counts: [[8, 2, 0], [5], [0, 0, 3, 9]] }
    const html = await pageOf({ validations: [validation({ confusionMatrix })] })
    expect(html).toContain('Confusion matrix: the actual class by row')
    expect(html).toMatch(/<td class="number heat-7 hit">8<\/td><td class="number heat-2 miss">2</)
    expect(html).toContain('<bdi>dog</bdi> taken for <bdi>cat</bdi> <span class="muted">5 times, 100 % of that class')
    expect(html).not.toContain(HOSTILE)
  })

  test('draws precision and recall of a confusion matrix, and lists them when there are no values by class', async () => {
    const confusionMatrix = { classes: ['cat', 'dog', 'unseen', HOSTILE], counts: [[8, 2], [5, 5], [], [0, 0, 0, 3]] }
    expect(
      ratesOf(JobValidation.parse(validation({ confusionMatrix })).confusionMatrix ?? { classes: [], counts: [] }),
    ).toEqual([
      { name: 'cat', precision: 8 / 13, recall: 0.8 },
      { name: 'dog', precision: 5 / 7, recall: 0.5 },
      { name: HOSTILE, precision: 1, recall: 1 },
    ])
    const html = await pageOf({ validations: [validation({ confusionMatrix })] })
    expect(html).toContain('Precision over recall of 3 classes. The weakest: dog 0.7143 / 0.5')
    expect(html.match(/<circle class="dot"/g)).toHaveLength(3)
    expect(html).toContain('<bdi>recall</bdi></th>')
    expect(html).not.toContain(HOSTILE)
  })

  test('draws how many classes reach which value, when there are many and the values are shares', async () => {
    const perClass = (scale: number) =>
      Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`c${index}`, { recall: (index * scale) / 10 }]))
    const html = await pageOf({ validations: [validation({ perClass: perClass(1) })] })
    expect(html).toContain('Classes by recall')
    expect(html).toContain('0–0.1: 1, 0.1–0.2: 1')
    expect(await pageOf({ validations: [validation({ perClass: perClass(100) })] })).not.toContain('Classes by recall')
  })

  test('lists the confused pairs alone when a matrix would be too small to read', () => {
    const classes = Array.from({ length: 1000 }, (_, index) => `c${index}`)
    const counts = classes.map((_, row) => classes.map((__, column) => (row === column ? 5 : row === 7 ? column : 0)))
    const pairs = confusedPairs({ classes, counts })
    expect(pairs).toHaveLength(20)
    expect(pairs[0]).toMatchObject({ actual: 'c7', predicted: 'c999', count: 999 })
  })

  test('is not mentioned when no trainer reported one', async () => {
    expect(await pageOf({})).toContain('<div id="job-validation" hidden')
  })
})

describe('the pictures of a job', () => {
  const plot = (name: string, contentType = 'image/png', id = 'art_p') => ({
    ...artifactFixture({ id, kind: 'plot', name, contentType, sizeBytes: 70 }),
    url: 'http://runner.test/storage/p',
  })
  const picture = async (bytes: Uint8Array<ArrayBuffer>, artifact = plot('curve.png')) => {
    const { app } = createTestWeb({ artifacts: [artifact], stored: { p: bytes } })
    return await app.request('/jobs/42/artifacts/art_p/picture')
  }

  test('are plots in the page, and their addresses serve the bytes with the type of the content', async () => {
    const html = await pageOf({ artifacts: [plot('curve.png'), plot('old.jpg', 'application/octet-stream', 'art_o')] })
    expect(html).toContain('<img src="/jobs/42/artifacts/art_p/picture" alt="curve.png" loading="lazy"')
    expect(html).toContain('/jobs/42/artifacts/art_o/picture')
    const response = await picture(PNG)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png'])
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(PNG)
  })

  test.each([
    ['HTML', HTML],
    ['SVG', SVG],
    ['nothing', new Uint8Array(0)],
  ])('are refused when the file is %s, whatever it is called', async (_what, bytes) => {
    const response = await picture(bytes as Uint8Array<ArrayBuffer>)
    expect(response.status).toBe(415)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(await response.text()).not.toContain('<')
  })

  test('are not shown when they are announced as SVG or HTML, or are very large', async () => {
    for (const artifact of [
      plot('a.svg', 'image/svg+xml'),
      plot('a.html', 'text/html'),
      { ...plot('large.png'), sizeBytes: 21 * 1024 * 1024 },
    ]) {
      expect(await pageOf({ artifacts: [artifact] })).not.toContain('<img')
      expect((await picture(PNG, { ...artifact, sizeBytes: 21 * 1024 * 1024 })).status).toBe(415)
    }
  })
})

describe('predictions', () => {
  const event = (seq: number, imageName: string, predictions: object[]) =>
    StoredEvent.parse({
      attempt: 1,
      seq,
      type: 'prediction',
      receivedAt: NOW.toISOString(),
      body: { type: 'prediction', seq, time: NOW.toISOString(), imageName, predictions },
    })
  const object = { classId: 1, className: HOSTILE, confidence: 0.875, bbox: [1, 2, 11, 22] }
  const state = {
    jobs: [predictJob()],
    series: [],
    events: [
      event(1, 'balcony/one.png', [object]),
      event(2, `${HOSTILE}.png`, []),
      event(3, 'broken', [{ nonsense: true }]),
    ],
    stored: { 'balcony/one.png': PNG },
  }

  test('are drawn on their pictures, and written in words', async () => {
    const html = await pageOf(state, '/jobs/39')
    expect(html).toContain(
      `src="/jobs/39/predictions/picture?${encode({ path: 'balcony/one.png', attempt: 1 }).replace('&', '&amp;')}"`,
    )
    expect(html).toContain('<rect x="1" y="2" width="10" height="20"')
    expect(html).toContain('<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi> <span class="muted">88 %</span>')
    expect(html).toContain('nothing found')
    expect(html).not.toContain(HOSTILE)
    expect(html).toContain('href="/jobs/39/predictions?attempt=1">All predictions</a>')
  })

  test('of pictures that people sent are drawn on those, with the reason of one that failed', async () => {
    const failed = event(2, 'art_two.png', [])
    const events = [
      event(1, 'art_one.jpg', [object]),
      { ...failed, body: { ...failed.body, error: `${HOSTILE} cannot be decoded` } },
      event(3, '../../secret.png', [object]),
    ]
    const html = await pageOf({ ...state, jobs: [{ ...predictJob(), dataset: undefined }], events }, '/jobs/39')
    expect(html).toContain('src="/jobs/39/artifacts/art_one/picture"')
    expect(html).toContain('&gt; cannot be decoded</p>')
    expect(html).not.toContain('secret/picture')
    expect(html.match(/data-drawn/g)).toHaveLength(2)
  })

  test('have a page of their own, in pages', async () => {
    const events = Array.from({ length: 60 }, (_, index) => event(index + 1, `${index}.png`, []))
    const first = await pageOf({ ...state, events }, '/jobs/39/predictions')
    expect(first.match(/<figure>/g)).toHaveLength(24)
    expect(first).toContain('href="/jobs/39/predictions?attempt=1&amp;cursor=24"')
    const last = await pageOf({ ...state, events }, '/jobs/39/predictions?attempt=1&cursor=48')
    expect(last.match(/<figure>/g)).toHaveLength(12)
    expect(last).not.toContain('rel="next"')
  })

  test('find their picture in the dataset of the job, and nothing else', async () => {
    const { app } = createTestWeb(state)
    const found = await app.request('/jobs/39/predictions/picture?path=balcony%2Fone.png')
    expect([found.status, found.headers.get('content-type')]).toEqual([200, 'image/png'])
    for (const path of ['none.png', '..%2F..%2Fetc%2Fpasswd', ''])
      expect((await app.request(`/jobs/39/predictions/picture?path=${path}`)).status).toBe(404)
    const without = createTestWeb({ ...state, jobs: [jobFixture({ id: 39, dataset: undefined })] }).app
    expect((await without.request('/jobs/39/predictions/picture?path=balcony%2Fone.png')).status).toBe(404)
  })
})
