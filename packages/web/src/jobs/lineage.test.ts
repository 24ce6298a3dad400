import { expect, test } from 'vitest'
import { artifactFixture, jobFixture } from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'

const HOSTILE = '"><img src=x onerror=alert(1)>'
const state = {
  jobs: [jobFixture({ attempt: 2, name: HOSTILE })],
  artifacts: [1, 2].map((attempt) => ({
    ...artifactFixture({ id: `art_${attempt}`, name: `of-${attempt}${HOSTILE}.bin`, attempt }),
    url: 'http://127.0.0.1:1/secret?signature=1',
  })),
}

test('the lineage of a job leads from its files to attempt, trainer digest, dataset snapshot and settings', async () => {
  const { app } = createTestWeb(state)
  const html = await (await app.request('/jobs/42/lineage')).text()
  const job = state.jobs[0]
  const order = [
    'of-1',
    'attempt 1',
    'of-2',
    'attempt 2',
    job?.trainer.digest,
    job?.dataset?.versionHash,
    'label_smoothing',
  ]
  const places = order.map((text) => html.indexOf(`${text}`))
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(places[0]).toBeGreaterThan(0)
  expect(html).toContain('href="/jobs/42?attempt=1"')
  expect(html).not.toContain('<img')
})

test('is one JSON document, without signed addresses', async () => {
  const { app } = createTestWeb(state)
  const response = await app.request('/jobs/42/lineage.json')
  expect(response.headers.get('content-disposition')).toBe('attachment; filename="job-42-lineage.json"')
  const text = await response.text()
  expect(text).not.toContain('signature')
  expect(JSON.parse(text)).toMatchObject({
    trainer: { digest: state.jobs[0]?.trainer.digest },
    dataset: { versionHash: 'e'.repeat(64) },
    config: { basic: { epochs: 20 } },
    attempts: [
      { attempt: 1, endReason: 'out_of_memory', files: [{ id: 'art_1', sha256: 'ab'.repeat(32) }] },
      { attempt: 2, files: [{ id: 'art_2' }] },
    ],
  })
  expect((await app.request('/jobs/43/lineage.json')).status).toBe(404)
})
