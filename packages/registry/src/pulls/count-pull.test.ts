import { ResolvedTrainer, TrainerUsage } from '@trainyard/contract'
import { fakeClock } from '@trainyard/platform/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'

const clock = fakeClock()
let harness: Harness
let token: string
let bundle: string

beforeAll(async () => {
  harness = await createHarness({ clock })
  await harness.registry.start()
  token = await harness.token(['push:acme'])
  const options = { name: 'acme/counted', version: '1.0.0', token }
  await endOfCheck(harness, token, await pushBundle(harness, options))
  const { bundle: found } = ResolvedTrainer.parse(
    await (await harness.request('/v1/trainers/acme/counted/resolve')).json(),
  )
  bundle = new URL(found?.url ?? '').pathname
})
afterAll(() => harness.close())

const pulls = async () => {
  const { trainers } = (await (await harness.request('/v1/trainers?q=counted')).json()) as {
    trainers: { pulls: number }[]
  }
  return trainers[0]?.pulls
}
async function pull(options: { token?: string; agent?: string; method?: string } = {}) {
  const headers = new Headers()
  if (options.agent !== undefined) headers.set('user-agent', options.agent)
  const response = await harness.request(bundle, { method: options.method ?? 'GET', token: options.token, headers })
  expect(response.ok).toBe(true)
  await response.arrayBuffer()
}
const daily = () =>
  harness.registry.context.database.db
    .selectFrom('daily_pulls')
    .select(['version', 'people', 'bots'])
    .orderBy('day')
    .execute()

it('counts each subject once a day, bots apart, and neither owners nor HEAD', async () => {
  for (let times = 0; times < 20; times++) await pull()
  expect(await pulls()).toBe(1)
  const eve = await harness.token(['pull:other'], 'eve')
  for (let times = 0; times < 3; times++) await pull({ token: eve })
  expect(await pulls()).toBe(2)
  await pull({ token })
  await pull({ method: 'HEAD' })
  await pull({ agent: 'Trivy/0.60' })
  await pull({ agent: 'ExampleBot/2.0 (+https://bot.example)' })
  expect(await pulls()).toBe(2)
  expect(await daily()).toEqual([{ version: '1.0.0', people: 2, bots: 1 }])
})

it('shows the usage by day and by version to members only', async () => {
  const path = '/v1/trainers/acme/counted/usage?days=7'
  const usage = TrainerUsage.parse(await (await harness.request(path, { token })).json())
  expect(usage.days.map(({ pulls: people }) => people)).toEqual([0, 0, 0, 0, 0, 0, 2])
  expect(usage.versions).toMatchObject([{ version: '1.0.0', pulls: 2, bots: 1, runs: 0 }])
  const stranger = await harness.token(['push:other'], 'eve')
  expect((await harness.request(path, { token: stranger })).status).toBe(403)
  expect((await harness.request(path)).status).toBe(401)
  expect((await harness.request('/v1/trainers/acme/none/usage', { token })).status).toBe(404)
  expect((await harness.request(`${path}000`, { token })).status).toBe(400)
})

it('counts a subject again the next day, and then forgets who pulled the day before', async () => {
  const { db } = harness.registry.context.database
  const before = (await pulls()) ?? 0
  clock.advance(24 * 3600 * 1000)
  await pull()
  await pull()
  expect(await pulls()).toBe(before + 1)
  expect(await daily()).toHaveLength(2)
  expect(await db.selectFrom('pull_subjects').select('day').distinct().execute()).toHaveLength(1)
  expect(await db.selectFrom('pull_salts').select('day').execute()).toHaveLength(1)
})
