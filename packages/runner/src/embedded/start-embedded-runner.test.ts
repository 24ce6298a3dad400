import type { Job } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { PLAIN_TRAINER_DIR } from '../testing/harness.ts'
import { startEmbeddedRunner } from './start-embedded-runner.ts'

it('serves a complete runner behind a wrapper, and deletes it on close', async () => {
  const seen: string[] = []
  const embedded = await startEmbeddedRunner({
    trainerDir: PLAIN_TRAINER_DIR,
    databaseUrl: process.env.TEST_DATABASE_URL ?? '',
    wrap: (handler) => (request) => {
      seen.push(new URL(request.url).pathname)
      return handler(request)
    },
  })
  expect((await fetch(`${embedded.url}/v1/jobs`)).status).toBe(401)
  const headers = { authorization: `Bearer ${embedded.token}` }
  const response = await fetch(`${embedded.url}/v1/jobs`, { headers })
  expect(response.status).toBe(200)
  expect(((await response.json()) as { jobs: Job[] }).jobs).toEqual([])
  expect(seen).toEqual(['/v1/jobs', '/v1/jobs'])
  await embedded.close()
  await expect(fetch(`${embedded.url}/v1/jobs`)).rejects.toThrow()
})
