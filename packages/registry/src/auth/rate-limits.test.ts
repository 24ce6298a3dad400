import { PAGES_SECRET_HEADER } from '@trainyard/contract'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, type Harness } from '../testing/harness.ts'

const fields = ({ headers }: Response) => [headers.get('ratelimit-policy'), headers.get('ratelimit')]
const DOORS = ['/token', '/v2/', '/v2/_catalog', '/v1/trainers', '/v1/accounts/sign-up', '/v1/tokens']

describe('each door', () => {
  const pagesSecret = 'a secret of the pages'
  let harness: Harness
  beforeAll(async () => {
    const requestLimits = { enabled: true, anonymous: 1, reads: 3, writes: 3 }
    harness = await createHarness({
      config: { auth: { ...DEFAULT_AUTH, mode: 'required', pagesSecret, requestLimits } },
    })
  })
  afterAll(() => harness.close())

  it.each(DOORS)(
    '%s counts in both headers, refuses in the form of its protocol, and serves who has a token',
    async (path) => {
      const ask = (authorization?: string) => {
        const address = `192.0.2.${DOORS.indexOf(path)}`
        const headers = new Headers({ [PAGES_SECRET_HEADER]: pagesSecret, 'x-forwarded-for': address })
        if (authorization !== undefined) headers.set('authorization', authorization)
        return harness.request(path, { headers })
      }
      const first = await ask()
      const stand = (name: string, left: number) =>
        expect.stringMatching(new RegExp(`^"${name}";r=${left};t=([1-9]|[1-5]\\d|60)$`))
      expect([first.status === 429, ...fields(first)]).toEqual([false, '"anonymous";q=1;w=60', stand('anonymous', 0)])
      const refused = await ask()
      expect([refused.status, ...fields(refused)]).toEqual([429, '"anonymous";q=1;w=60', stand('anonymous', 0)])
      expect(refused.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/)
      const message = expect.stringContaining('Send a token')
      const problem = { code: 'rate_limited', detail: message }
      const errors = [{ code: 'TOOMANYREQUESTS', message }]
      expect(await refused.json()).toMatchObject(path.startsWith('/v1') ? problem : { code: 'rate_limited', errors })
      const token = await harness.token(['push:acme', 'tokens:manage'], `owner of ${path}`)
      const own = await ask(path === '/token' ? `Basic ${btoa(`ada:${token}`)}` : `Bearer ${token}`)
      // Signing up is for those who have no account.
      if (path.endsWith('sign-up')) return
      expect([own.status, ...fields(own)]).toEqual([200, '"reads";q=3;w=60', stand('reads', 2)])
    },
  )
})

describe('limits of requests of the registry', () => {
  let harness: Harness
  afterEach(() => harness.close())
  const start = async (limits: { enabled?: boolean; anonymous?: number; reads?: number; writes?: number }) => {
    const requestLimits = { enabled: true, anonymous: 3, reads: 3, writes: 3, ...limits }
    harness = await createHarness({ config: { auth: { ...DEFAULT_AUTH, mode: 'required', requestLimits } } })
  }
  it('wrong tokens count for the network, whatever name they come with', async () => {
    await start({ anonymous: 2 })
    const statuses = []
    for (const token of ['ty_a', 'a.b.c', 'ty_c']) statuses.push((await harness.request('/v2/', { token })).status)
    expect(statuses).toEqual([401, 401, 429])
    expect((await harness.request('/v1/trainers', { token: 'ty_d' })).status).toBe(429)
  })

  it('the grants of a token count for its owner, also at a push', async () => {
    await start({ writes: 2 })
    const basic = `Basic ${btoa(`ada:${await harness.token(['push:acme'])}`)}`
    const grant = async () => {
      const path = '/token?scope=repository:acme/a:pull,push'
      return ((await (await harness.request(path, { headers: { authorization: basic } })).json()) as { token: string })
        .token
    }
    const push = async (token: string) =>
      (await harness.request('/v2/acme/a/blobs/uploads/', { method: 'POST', token })).status
    expect([await push(await grant()), await push(await grant()), await push(await grant())]).toEqual([202, 202, 429])
  })

  it('wrong passwords of /token are limited by all replicas together', async () => {
    await start({ anonymous: 1000 })
    const other = await harness.restart()
    const wrong = (index: number) => {
      const headers = { authorization: `Basic ${btoa(`ada:ty_guess${index}`)}` }
      return (index % 2 === 0 ? harness.registry : other).app.request('/token', { headers })
    }
    const statuses: number[] = []
    for (let index = 0; index < 14; index += 1) statuses.push((await wrong(index)).status)
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429, 429, 429])
    const authorization = `Basic ${btoa(`ada:${await harness.token(['push:acme'])}`)}`
    expect((await other.app.request('/token', { headers: { authorization } })).status).toBe(200)
  })

  it('can be switched off', async () => {
    await start({ enabled: false, anonymous: 1 })
    for (let index = 0; index < 5; index += 1) {
      const response = await harness.request('/v2/')
      expect([response.status, ...fields(response)]).toEqual([401, null, null])
    }
  })
})
