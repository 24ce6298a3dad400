import { Prediction } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'
import { artifactFixture, NOW, predictJob, succeededJob } from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'

const HOSTILE = '<img src=x onerror=alert(1)>.png'
const BYTES = { 'content-type': 'application/octet-stream' }
const BASE = '/predict/42/art_best'
const checkpoint = { ...artifactFixture({ id: 'art_best', name: 'best.bin' }), url: 'http://runner.test/storage/best' }

const prediction = (more: object = {}): Prediction =>
  Prediction.parse({
    id: 'art_picture',
    checkpoint: 'art_best',
    job: { id: 43, state: 'running' },
    state: 'done',
    picture: {
      name: HOSTILE,
      contentType: 'image/png',
      sizeBytes: 2048,
      width: 640,
      height: 480,
      url: 'http://runner.test/storage/picture',
    },
    objects: [
      { classId: 1, className: 'dog', confidence: 0.2, bbox: [1, 1, 50, 60] },
      { classId: 0, className: 'cat', confidence: 0.93, bbox: [10, 20, 110, 220], keypoints: [15, 25, 2] },
    ],
    inferenceTimeMs: 12.4,
    createdAt: NOW.toISOString(),
    finishedAt: NOW.toISOString(),
    ...more,
  })

const webOf = (state: Parameters<typeof createTestWeb>[0] = {}) =>
  createTestWeb({ jobs: [{ ...succeededJob(), id: 42, taskType: 'detection' }], artifacts: [checkpoint], ...state })

async function pageOf(path: string, state: Parameters<typeof createTestWeb>[0] = {}) {
  const response = await webOf(state).app.request(path)
  return { status: response.status, html: await response.text(), headers: response.headers }
}

describe('a picture that was predicted', () => {
  test('is shown with what was found drawn on it and listed with its confidence, the surest first', async () => {
    const { status, html } = await pageOf(`${BASE}?try=art_picture`, { predictions: [prediction()] })
    expect(status).toBe(200)
    expect(html).toContain('viewBox="0 0 640 480"')
    expect(html).toContain('<rect x="10" y="20" width="100" height="200"></rect>')
    expect(html).toContain('<path class="keypoint" d="M15 25h0"></path>')
    expect(html.indexOf('<bdi>cat</bdi>')).toBeLessThan(html.indexOf('<bdi>dog</bdi>'))
    expect(html).toContain('93 %')
    expect(html).toContain('predicted in 12 ms')
    expect(html).not.toContain('<img src=x')
    expect(html).toContain(`href="${BASE}/tries/art_picture/json"`)
  })

  test('hides objects below the threshold, which the address keeps without scripts', async () => {
    const { html } = await pageOf(`${BASE}?try=art_picture&threshold=0.5`, { predictions: [prediction()] })
    expect(html).toMatch(/<li class="line-1 below" data-confidence="0.2">/)
    expect(html).toMatch(/<li class="line-0" data-confidence="0.93">/)
  })

  test('can be downloaded as JSON, without the signed address', async () => {
    const { html, headers } = await pageOf(`${BASE}/tries/art_picture/json`, { predictions: [prediction()] })
    expect(headers.get('content-disposition')).toBe('attachment')
    expect(JSON.parse(html)).toMatchObject({ objects: [{ className: 'dog' }, { className: 'cat' }] })
    expect(html).not.toContain('storage')
  })

  test('is among the earlier ones, and so is one that failed', async () => {
    const failed = prediction({ id: 'art_failed', state: 'failed', objects: undefined, error: 'It is no picture' })
    const { html } = await pageOf(`${BASE}?try=art_failed`, { predictions: [failed, prediction()] })
    expect(html).toContain('It is no picture')
    expect(html).toContain('cat and 1 more')
  })
})

describe('a picture that waits', () => {
  test('says what is happening, and scripts ask for its part until it is done', async () => {
    const predictions = [prediction({ state: 'waiting', objects: undefined, job: { id: 43, state: 'queued' } })]
    const { api, app } = webOf({ predictions })
    const page = await (await app.request(`${BASE}?try=art_picture`)).text()
    expect(page).toContain('The trainer is started as soon as a slot is free')
    expect(page).toContain(`data-part="${BASE}/tries/art_picture/part"`)
    api.predictions = [prediction()]
    const part = await (await app.request(`${BASE}/tries/art_picture/part?threshold=0.9`)).text()
    expect(part).toMatch(/^<section id="try"[^>]* data-state="done"/)
    expect(api.requests.at(-1)).toContain('wait=8')
  })
})

describe('sending a picture', () => {
  const bytes = new Uint8Array([1, 2, 3])

  test('passes its bytes on, and answers with its id', async () => {
    const { api, app } = webOf({ predictions: [prediction()] })
    const response = await app.request(`${BASE}/tries?name=a.png`, { method: 'POST', headers: BYTES, body: bytes })
    expect(await response.json()).toEqual({ id: 'art_picture' })
    expect(api.uploads).toEqual([bytes])
  })

  test('works as a form without scripts', async () => {
    const { api, app } = webOf({ predictions: [prediction()] })
    const form = new FormData()
    form.set('picture', new File([bytes], 'a.png', { type: 'image/png' }))
    const headers = { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' }
    const response = await app.request(BASE, { method: 'POST', headers, body: form })
    expect([response.status, response.headers.get('location')]).toEqual([303, `${BASE}?try=art_picture`])
    expect(api.uploads).toEqual([bytes])
    const empty = await app.request(BASE, { method: 'POST', headers, body: new FormData() })
    expect([empty.status, await empty.text()]).toEqual([400, expect.stringContaining('Choose a picture.')])
  })

  test('says why the runner refuses it', async () => {
    const refusal = '"a.png" has 20000 × 20000 pixels'
    const { app } = webOf({ refusal })
    const response = await app.request(`${BASE}/tries?name=a.png`, { method: 'POST', headers: BYTES, body: bytes })
    expect([response.status, await response.json()]).toEqual([422, { problem: refusal }])
  })

  test('refuses more than a picture of 20 MiB before it is passed on', async () => {
    const { api, app } = webOf()
    const body = new Uint8Array(22 * 1024 ** 2)
    const response = await app.request(`${BASE}/tries`, { method: 'POST', headers: BYTES, body })
    expect(response.status).toBe(413)
    expect(api.uploads).toEqual([])
  })
})

describe('the way to a checkpoint', () => {
  test('leads from the list of trainings to the best one, and from a job without any to its files', async () => {
    const chosen = await pageOf('/predict')
    expect(chosen.html).toContain('href="/predict/42"')
    const best = await pageOf('/predict/42')
    expect([best.status, best.headers.get('location')]).toEqual([302, BASE])
    const none = await pageOf('/predict/42', { artifacts: [] })
    expect(none.headers.get('location')).toBe('/jobs/42#files')
  })

  test('is beside each checkpoint of a job, and beside nothing else', async () => {
    const { html } = await pageOf('/jobs/42')
    expect(html).toContain(`href="${BASE}"`)
    const { html: other } = await pageOf('/jobs/42', {
      jobs: [{ ...predictJob(), id: 42 }],
      artifacts: [{ ...checkpoint, kind: 'prediction' }],
    })
    expect(other).not.toContain('Try it')
  })

  test('ends in a page of its own for an unknown job, checkpoint or address', async () => {
    for (const path of ['/predict/x', '/predict/42/art_other', '/predict/42/..%2f', '/predict/7'])
      expect([path, (await pageOf(path)).status]).toEqual([path, 404])
  })
})
