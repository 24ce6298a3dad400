import { expect, test } from 'vitest'
import { FaultScript } from './faults.ts'
import { createTraffic } from './traffic.ts'

const request = (path: string, method = 'POST') =>
  new Request(`http://127.0.0.1${path}`, { method, headers: { authorization: 'Bearer top-secret-token' } })

test('records paths, but no tokens, queries or keys of stored objects', async () => {
  const traffic = createTraffic(() => new Response('ok'))
  await traffic.fetch(request('/v1/jobs/4/dataset/files?cursor=abc', 'GET'))
  await traffic.fetch(request('/storage/jobs/4/best.bin?signature=abcdef', 'GET'))
  expect(traffic.timeline.map(({ summary }) => summary)).toEqual(['GET /v1/jobs/4/dataset/files?…', 'GET /storage/…?…'])
  expect(JSON.stringify(traffic.timeline)).not.toMatch(/top-secret|signature|abc/)
  expect([...traffic.credentials]).toEqual(['top-secret-token'])
})

test('injects faults into one job only', async () => {
  const traffic = createTraffic(() => new Response('ok'))
  traffic.setFaults({ jobId: 4, script: new FaultScript(1) })
  const other = await traffic.fetch(request('/v1/jobs/5/events'))
  const tested = await traffic.fetch(request('/v1/jobs/4/events'))
  expect([other.status, tested.status]).toEqual([200, 503])
  expect(await tested.json()).toMatchObject({ code: 'unavailable', retryable: true })
})

test('carries out a request whose response is lost', async () => {
  let carriedOut = 0
  const traffic = createTraffic(() => {
    carriedOut++
    return new Response('ok')
  })
  traffic.setFaults({ jobId: 4, script: new FaultScript(1) })
  const statuses: number[] = []
  for (let i = 0; i < 6; i++) statuses.push((await traffic.fetch(request('/v1/jobs/4/events'))).status)
  const delivered = statuses.filter((status) => status === 200).length
  expect(carriedOut).toBe(delivered + 1)
})
