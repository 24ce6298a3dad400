import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rateLimitStateOf } from '../../http/rate-limit-headers.ts'
import { createLogger } from '../../log.ts'
import type { Identity } from '../open-identity.ts'
import { closeTestIdentities, openTestIdentity } from '../testing/identity-api.ts'
import { RequestLimiter, type Sender } from './request-limiter.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const MINUTE = 60_000
/** In the future, because old counts are removed. */
const START = 70_000_000

describe('limits of requests', () => {
  let identity: Identity
  beforeAll(async () => {
    identity = await openTestIdentity()
  })
  afterAll(closeTestIdentities)

  /** A replica; the minute tells the tests apart. */
  const replica = (minute: number, more: { enabled?: boolean } = {}) => {
    const at = { ms: (START + minute) * MINUTE + 18_000 }
    const limits = { enabled: true, anonymous: 3, reads: 3, writes: 2, ...more }
    const limiter = new RequestLimiter({ identity, limits, logger, now: () => at.ms })
    const take = (sender: Sender, method = 'GET') => {
      const request = new Request('http://trainyard.test/', { method })
      try {
        limiter.count(request, sender)
        return rateLimitStateOf(request)?.remaining
      } catch (error) {
        return error
      }
    }
    return { at, limiter, take }
  }
  const tooMany = expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: 42 })

  it('reads and changes of an account are counted apart, and accounts and networks apart from each other', () => {
    const { take } = replica(100)
    const ada = { subject: 'acc_ada' }
    expect([take(ada), take(ada), take(ada), take(ada)]).toEqual([2, 1, 0, tooMany])
    expect([take(ada, 'PUT'), take(ada, 'POST'), take(ada, 'DELETE')]).toEqual([1, 0, tooMany])
    expect([take({ subject: 'acc_bob' }), take({ address: '192.0.2.1' })]).toEqual([2, 2])
    const other = '2001:db8:0:1::9'
    expect(['2001:db8::1', '2001:db8::2', other].map((address) => take({ address }))).toEqual([2, 1, 2])
  })

  it('a new minute starts with nothing counted, and the message says how long to wait', () => {
    const { at, take } = replica(200)
    const eve = { address: '192.0.2.66' }
    for (let index = 0; index < 3; index += 1) take(eve)
    expect(take(eve)).toMatchObject({ detail: expect.stringContaining('Wait 42 seconds') })
    at.ms += 42_000
    expect(take(eve)).toBe(2)
  })

  it('replicas share a limit, and what was refused does not count', async () => {
    const [one, two] = [replica(300), replica(300)]
    const eve = { address: '192.0.2.66' }
    for (let index = 0; index < 9; index += 1) one.take(eve)
    await one.limiter.sync()
    expect(two.take(eve)).toBe(2)
    await two.limiter.sync()
    expect(two.take(eve)).toEqual(tooMany)
    expect(two.take({ address: '192.0.2.67' })).toBe(2)
    await Promise.all([two.limiter.sync(), two.limiter.sync()])
    const rows = await identity.database.db
      .selectFrom('rate_limits')
      .select('count')
      .where('resets_at', '=', new Date((START + 301) * MINUTE))
      .execute()
    expect(rows.map(({ count }) => count).toSorted()).toEqual([1, 4])
  })

  it('a request is counted once, and nothing is counted when limits are off', () => {
    const { limiter, take } = replica(400)
    const request = new Request('http://trainyard.test/')
    for (let index = 0; index < 9; index += 1) limiter.count(request, { subject: 'acc_ada' })
    expect(take({ subject: 'acc_ada' })).toBe(1)
    const off = replica(400, { enabled: false })
    for (let index = 0; index < 9; index += 1) expect(off.take({ subject: 'acc_ada' })).toBeUndefined()
  })

  it('each process limits what it sees itself while the database does not answer', async () => {
    const broken = Object.assign(Object.create(identity), { database: { db: undefined } })
    const limits = { enabled: true, anonymous: 2, reads: 2, writes: 2 }
    const limiter = new RequestLimiter({ identity: broken, limits, logger, now: () => 500 * MINUTE })
    const count = () => limiter.count(new Request('http://trainyard.test/'), { subject: 'acc_ada' })
    count()
    await limiter.sync()
    count()
    await limiter.sync()
    expect(count).toThrow('the limit is 2 a minute for reads by one account. Wait 60 seconds')
  })
})
