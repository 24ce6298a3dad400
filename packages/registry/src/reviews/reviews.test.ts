import { type Review, ReviewList, type RunStatement, Trainer, TrainerList } from '@trainyard/contract'
import { DEFAULT_AUTH, publicKeysOf, type SigningKeys, signRunStatement } from '@trainyard/platform'
import { generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'
import { type Person, startSignUp } from '../testing/people.ts'

const name = 'acme/rated'
const reviews = `/v1/trainers/${name}/reviews`
let harness: Harness
let keys: SigningKeys
let digest: string
let operator: Person
let owner: Person
let eve: Person
let ann: Person
let statements = 0

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  keys = { algorithm: 'EdDSA', keyId: 'own', sign: privateKey, verify: new Map([['own', publicKey]]) }
  harness = await createHarness({ config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } } })
  harness.registry.trustRunner(await publicKeysOf(keys))
  await harness.registry.start()
  const signUp = await startSignUp(harness)
  const person = (who: string) => signUp(`${who}@people.test`)
  operator = await person('operator')
  owner = await person('owner')
  eve = await person('eve')
  ann = await person('ann')
  await send('POST', '/v1/organisations', { slug: 'acme' }, owner)
  for (const version of ['1.0.0', '1.1.0'])
    await endOfCheck(harness, owner.secret, await pushBundle(harness, { name, version, token: owner.secret }))
  const resolved = (await (await send('GET', `/v1/trainers/${name}/resolve?range=1.0.0`)).json()) as {
    bundle: { digest: string }
  }
  digest = resolved.bundle.digest
})
afterAll(() => harness.close())

function send(method: string, path: string, body?: unknown, as?: Person): Promise<Response> {
  return harness.request(path, {
    method,
    token: as?.secret,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
}
async function ran(person: Person, changes: Partial<RunStatement> = {}) {
  statements += 1
  const statement = await signRunStatement(keys, {
    jti: `${statements}:1`,
    sub: person.id,
    iat: Math.floor(Date.now() / 1000),
    trainer: name,
    version: '1.0.0',
    digest,
    operation: 'train',
    outcome: 'succeeded',
    seconds: 60,
    ...changes,
  })
  expect((await send('POST', '/v1/runs', { statement })).status).toBe(204)
}
const list = async (as?: Person, query = '') =>
  ReviewList.parse(await (await send('GET', `${reviews}${query}`, undefined, as)).json())
const write = (as: Person, rating = 4, version = '1.0.0') =>
  send('PUT', `${reviews}/own`, { version, rating, text: `Rated ${rating}\nby one who ran it` }, as)
async function refusal(response: Promise<Response>) {
  const answer = await response
  return [answer.status, ((await answer.json()) as { detail: string }).detail]
}

it('only those whose runs a runner stated review a version, and members of its organisation do not', async () => {
  expect(await refusal(write(eve))).toEqual([403, expect.stringContaining('no runner has stated a run of yours')])
  await ran(eve, { outcome: 'cancelled' })
  expect((await write(eve)).status).toBe(403)
  await ran(eve, { outcome: 'failed' })
  await ran(eve)
  expect(await refusal(write(eve, 4, '1.1.0'))).toEqual([400, expect.stringContaining('a version that you ran: 1.0.0')])
  expect((await write(eve)).status).toBe(200)
  await ran(owner)
  expect(await refusal(write(owner))).toEqual([403, expect.stringContaining('Members of acme')])
  const made = await send('POST', '/v1/tokens', { name: 'program', scopes: ['jobs:write'] }, eve)
  const { secret } = (await made.json()) as { secret: string }
  expect(await refusal(write({ id: eve.id, secret }))).toEqual([403, expect.stringContaining('a token cannot')])

  const { reviews: shown, rating, counts, own, mayReply } = await list(eve)
  expect(shown).toMatchObject([{ author: 'eve', version: '1.0.0', rating: 4, runs: 2, isOwn: true }])
  expect([rating, counts, own?.id, mayReply]).toEqual([
    { count: 1, mean: 4, score: 4 },
    [0, 0, 0, 1, 0],
    shown[0]?.id,
    false,
  ])
  expect(await list()).toMatchObject({ reviewable: [], problem: expect.stringContaining('Sign in') })
})

it('a person has one review, whose rating is weighed by how many there are', async () => {
  await ran(ann)
  await write(ann, 1)
  await write(ann, 2)
  const { reviews: shown, rating } = await list()
  expect(shown.map((review) => [review.author, review.rating])).toEqual([
    ['ann', 2],
    ['eve', 4],
  ])
  expect(rating).toEqual({ count: 2, mean: 3, score: 3 })
  const trainer = Trainer.parse(await (await send('GET', `/v1/trainers/${name}`)).json())
  const { trainers } = TrainerList.parse(await (await send('GET', '/v1/trainers')).json())
  expect([trainer.rating, trainers[0]?.rating]).toEqual([rating, rating])
  const first = await list(undefined, '?limit=1')
  const second = await list(undefined, `?limit=1&cursor=${encodeURIComponent(first.nextCursor ?? '')}`)
  expect([...first.reviews, ...second.reviews].map(({ author }) => author)).toEqual(['ann', 'eve'])
  expect(second.nextCursor).toBeUndefined()
})

it('a well rated trainer is found before one without ratings, and a badly rated one after it', async () => {
  const other = { name: 'acme/rated-otherwise', version: '1.0.0', token: owner.secret }
  await endOfCheck(harness, owner.secret, await pushBundle(harness, other))
  const found = async () => {
    const { trainers } = TrainerList.parse(await (await send('GET', '/v1/trainers?q=acme')).json())
    return trainers.map((trainer) => trainer.name)
  }
  for (const person of [eve, ann]) await write(person, 1)
  await expect.poll(found).toEqual([other.name, name])
  for (const person of [eve, ann]) await write(person, 5)
  await expect.poll(found).toEqual([name, other.name])
  await write(eve, 4)
  await write(ann, 2)
})

it('owners reply, and no one else does', async () => {
  const [review] = (await list()).reviews
  const path = `${reviews}/${review?.id}/reply`
  expect((await send('PUT', path, { text: 'Thanks' }, eve)).status).toBe(403)
  expect(await (await send('PUT', path, { text: 'Thanks' }, owner)).json()).toMatchObject({ reply: { text: 'Thanks' } })
  expect((await list()).reviews[0]?.reply?.text).toBe('Thanks')
  expect(((await (await send('DELETE', path, undefined, owner)).json()) as Review).reply).toBeUndefined()
  expect((await send('PUT', `/v1/trainers/acme/other/reviews/${review?.id}/reply`, { text: 'x' }, owner)).status).toBe(
    404,
  )
})

it('a reported review reaches the moderators, who hide it and show it again', async () => {
  const id = (await list()).reviews.find(({ author }) => author === 'ann')?.id
  const report = (reason: string, as: Person) => send('POST', `/v1/reviews/${id}/report`, { reason }, as)
  expect((await report('mine', ann)).status).toBe(409)
  expect((await report('an advert', eve)).status).toBe(204)
  expect((await report('an advertisement', eve)).status).toBe(204)
  expect((await send('GET', '/v1/reviews/reported', undefined, owner)).status).toBe(403)
  const reported = await (await send('GET', '/v1/reviews/reported', undefined, operator)).json()
  expect(reported).toMatchObject({ reviews: [{ id, reports: ['an advertisement'] }] })

  const moderate = (body: object, as: Person) => send('POST', `/v1/reviews/${id}/moderate`, body, as)
  expect((await moderate({ decision: 'hide' }, operator)).status).toBe(400)
  expect((await moderate({ decision: 'hide', note: 'An advertisement' }, owner)).status).toBe(403)
  expect((await moderate({ decision: 'hide', note: 'An advertisement' }, operator)).status).toBe(200)
  await write(ann, 5)
  expect(await list()).toMatchObject({ reviews: [{ author: 'eve' }], rating: { count: 1, mean: 4 } })
  expect((await list(ann)).own).toMatchObject({ rating: 5, hiddenReason: 'An advertisement' })
  expect(await (await send('GET', '/v1/reviews/reported', undefined, operator)).json()).toEqual({ reviews: [] })
  expect((await moderate({ decision: 'show' }, operator)).status).toBe(200)
  expect((await list()).reviews).toHaveLength(2)

  expect((await send('DELETE', `${reviews}/own`, undefined, ann)).status).toBe(204)
  expect((await send('DELETE', `${reviews}/own`, undefined, ann)).status).toBe(404)
  const audit = await harness.registry.context.identity.listAudit({ subject: name })
  const actions = new Set(audit.map(({ action }) => action).filter((action) => action.startsWith('review.')))
  expect([...actions].sort()).toEqual(
    ['delete', 'hide', 'reply', 'report', 'show', 'unreply', 'write'].map((verb) => `review.${verb}`),
  )
})

it.each([
  [{ version: '1.0.0', rating: 6, text: 'x' }, 'rating'],
  [{ version: '1.0.0', rating: 4.5, text: 'x' }, 'rating'],
  [{ version: '1.0.0', rating: 4, text: ' ' }, 'text'],
  [{ version: '1.0.0', rating: 4, text: 'turned \u202e round' }, 'text'],
  [{ version: '1.0.0', rating: 4, text: 'x', stars: 5 }, 'stars'],
])('what is no review is refused by its field: %j', async (body, field) => {
  const response = await send('PUT', `${reviews}/own`, body, eve)
  expect([response.status, JSON.stringify(await response.json())]).toEqual([400, expect.stringContaining(field)])
})
