import { expect, test } from 'vitest'
import { failedJob, jobFixture, succeededJob } from './testing/fixtures.ts'
import { peopleFixture } from './testing/people-fixtures.ts'
import { createTestWeb } from './testing/web.ts'

/** Forms of one click that can be taken back, or that the next page continues. */
const HARMLESS = [
  /^\/language$/,
  /^\/sign-out$/,
  /^\/pushes\/[^/]+\/retry$/,
  /\/unyank$/,
  /\/undeprecate$/,
  /\/channels\/[^/]+\/remove$/,
  /\/join$/,
]

/** The forms of a page that act at one click: outside a dialog, and without anything to fill in. */
function oneClickForms(html: string): string[] {
  const shown = html.replaceAll(/<dialog.*?<\/dialog>/gs, '')
  return [...shown.matchAll(/<form[^>]*method="post"[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)]
    .filter(([, , content = '']) => !/<(?:select|textarea|input(?![^>]*type="hidden"))/.test(content))
    .map(([, action = '']) => action)
}

test.each([
  '/',
  '/trainers/trainyard/tfjs-classifier',
  '/jobs',
  '/jobs/40',
  '/jobs/41',
  '/jobs/42',
  '/jobs/42?attempt=1',
  '/account',
  '/account/tokens',
  '/organisations',
  '/organisations/red-team',
])('nothing on %s that cannot be undone acts at one click', async (path) => {
  const { app } = createTestWeb({
    ...peopleFixture(),
    jobs: [jobFixture({ attempt: 2 }), failedJob(), succeededJob()],
  })
  const signedIn = await app.request('/sign-in', {
    method: 'POST',
    headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ email: 'ada@red.test', password: 'correct horse battery' }),
  })
  const cookie = signedIn.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ')
  const response = await app.request(path, { headers: { cookie } })
  expect(response.status).toBe(200)
  const html = await response.text()
  expect(html).toContain('action="/sign-out"')
  expect(oneClickForms(html).filter((action) => !HARMLESS.some((known) => known.test(action)))).toEqual([])
})
