import { DEFAULT_AUTH } from '@trainyard/platform'
import { hostileBodies, openApiRoutes } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runnerOpenApi } from '../app.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

const WITH_BODY = openApiRoutes(runnerOpenApi()).filter(({ method }) => method !== 'GET' && method !== 'DELETE')
/** People get their credentials here. */
const OPEN = [
  'POST /v1/sessions',
  'POST /v1/sessions/codes/redeem',
  'POST /v1/accounts',
  'POST /v1/accounts/password-resets/redeem',
]
const OF_PEOPLE = WITH_BODY.filter(({ security, name }) => !security.includes('jobToken') && !OPEN.includes(name))
const OF_TRAINERS = WITH_BODY.filter(({ security }) => security.includes('jobToken'))
const BODIES = hostileBodies(200_000)

/** Some routes accept spaces as no body, and the simple endpoints ignore fields that they do not know. */
const ANSWERS = [200, 400, 404, 409, 413, 429]

/** A body cannot make the answer long, and never is an error of the server. */
async function expectRefusal(name: string, response: Response, statuses: readonly number[]): Promise<void> {
  const text = await response.text()
  expect([name, response.status, text.slice(0, 200)]).toEqual([
    name,
    expect.toBeOneOf([...statuses]),
    expect.anything(),
  ])
  expect(text.length).toBeLessThan(30_000)
}

describe('a hostile body', () => {
  let harness: Harness
  let closed: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    const auth = { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } as const
    closed = await startHarness({ runner: { launcher: noLauncher }, config: { auth } })
  })
  afterAll(async () => {
    await closed.close()
    await harness.close()
  })
  const pathOf = (path: string, id: number) => path.replace('{id}', String(id)).replaceAll(/\{\w+\}/g, 'none')

  it.each(WITH_BODY.filter(({ name }) => !OPEN.includes(name)))(
    '$name returns 401 to senders without credentials, before the body is read',
    async ({ method, path, name }) => {
      let asked = 0
      for (const { headers } of BODIES.slice(0, 1)) {
        const body = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              asked++
              controller.enqueue(new Uint8Array(1000).fill(0x5b))
            },
          },
          { highWaterMark: 0 },
        )
        const init = { method, headers, body, duplex: 'half' } as RequestInit
        await expectRefusal(name, await closed.request(pathOf(path, 1), init), [401])
      }
      expect(asked).toBe(0)
    },
  )

  it.each(OPEN)('%s is refused', async (name) => {
    const [method = '', path = ''] = name.split(' ')
    for (const { name: kind, headers, body } of BODIES)
      await expectRefusal(kind, await closed.request(path, { method, headers, body }), [400, 413])
  })

  it.each(OF_PEOPLE)('$name is refused', async ({ method, path, name }) => {
    const { jobId } = await openJournal(harness)
    const statuses = /\/(cancel|codes|datasets)$/.test(path)
      ? [200, 201, 400, 404, 413, 422]
      : [400, 403, 404, 409, 413]
    for (const { name: kind, headers, body } of BODIES) {
      const query = name === 'POST /v1/datasets' ? '?name=hostile' : ''
      await expectRefusal(kind, await harness.request(pathOf(path, jobId) + query, { method, headers, body }), statuses)
    }
  })

  it.each(OF_TRAINERS)('$name is refused, or has no effect on others', async ({ method, path }) => {
    const { jobId, authorization } = await openJournal(harness)
    for (const { name: kind, headers, body } of BODIES) {
      const init = { method, headers: { ...headers, authorization }, body }
      await expectRefusal(kind, await harness.request(pathOf(path, jobId), init), ANSWERS)
    }
  })
})
