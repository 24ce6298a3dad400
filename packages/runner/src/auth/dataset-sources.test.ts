import { DEFAULT_AUTH } from '@trainyard/platform'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseDatasetSources } from '../datasets/sources/parse-dataset-sources.ts'
import { dice, png } from '../datasets/testing/test-datasets.ts'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { startTeams, type Teams } from '../testing/teams.ts'

let harness: Harness
let teams: Teams
beforeAll(async () => {
  harness = await startHarness({
    runner: { launcher: noLauncher },
    config: {
      auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true },
      datasetSources: parseDatasetSources('store://teams red=store://teams/red'),
    },
  })
  teams = await startTeams(harness)
  const { store } = harness.runner.context
  for (const team of ['red', 'blue']) {
    await store.put(`teams/${team}/annotations.json`, Buffer.from(dice([{ file_name: 'images/a.png' }])))
    await store.put(`teams/${team}/images/a.png`, png(1))
  }
})
afterAll(() => harness.close())

const register = (prefix: string, team: 'red' | 'blue') =>
  harness.post(
    '/v1/datasets',
    { name: `of ${team}`, source: { prefix }, project: `${team}/default` },
    team === 'red' ? teams.owner : teams.blue,
  )

it('a source of one organisation is readable by that organisation only', async () => {
  for (const prefix of ['teams/red/', 'teams/red', 'teams/red/images/', 'teams/', 'teams/blue/../red/']) {
    const refused = await register(prefix, 'blue')
    expect([prefix, refused.status]).toEqual([prefix, prefix.includes('..') ? refused.status : 403])
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(refused.status).toBeLessThan(500)
  }
  const nowhere = await (await register('elsewhere/', 'blue')).json()
  const closed = await (await register('teams/red/', 'blue')).json()
  const comparable = ({ traceId: _, ...problem }: Record<string, unknown>) =>
    JSON.stringify(problem).replaceAll('teams/red/', '…').replaceAll('elsewhere/', '…')
  expect(comparable(closed as Record<string, unknown>)).toBe(comparable(nowhere as Record<string, unknown>))

  expect((await register('teams/blue/', 'blue')).status).toBe(201)
  expect((await register('teams/red/', 'red')).status).toBe(201)
  const list = await (await harness.request('/v1/datasets', { headers: teams.blue })).text()
  expect(list).toContain('of blue')
  expect(list).not.toContain('of red')
})
