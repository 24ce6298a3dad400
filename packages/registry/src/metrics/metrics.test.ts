import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHarness, type Harness } from '../testing/harness.ts'

const TOKEN = 'a-token-that-scrapers-know'
let harness: Harness
beforeAll(async () => {
  harness = await createHarness({ config: { metrics: { open: false, token: TOKEN } } })
})
afterAll(async () => await harness.close())

const scrape = async (): Promise<string> => {
  const response = await harness.request('/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })
  expect(response.status).toBe(200)
  return await response.text()
}

it('/metrics requires the token, and is closed without one', async () => {
  expect((await harness.request('/metrics')).status).toBe(401)
  const closed = await createHarness()
  expect((await closed.request('/metrics')).status).toBe(403)
  await closed.close()
})

it('/metrics has checks, storage, pulls and the database, and a series for each part of the API', async () => {
  await harness.request('/v2/')
  await harness.request('/v1/trainers/no/such-trainer')
  await harness.request('/nonsense', { method: 'PURGE' })
  const text = await scrape()
  for (const line of [
    'trainyard_registry_checks{state="waiting"} 0',
    'trainyard_registry_check_wait_seconds 0',
    'trainyard_registry_pulls_today{by="people"} 0',
    'trainyard_registry_blob_bytes 0',
    'trainyard_registry_uploads 0',
    'trainyard_registry_database_up 1',
    'trainyard_registry_request_seconds_count{api="oci",method="GET",status="4xx"} 1',
    'trainyard_registry_request_seconds_count{api="catalogue",method="GET",status="4xx"} 1',
    'trainyard_registry_request_seconds_count{api="other",method="other",status="4xx"} 1',
  ])
    expect(text).toContain(`${line}\n`)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
  expect(text).not.toContain('no/such-trainer')
})
