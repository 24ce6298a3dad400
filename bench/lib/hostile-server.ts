/** Registry, runner and pages on one port in a process of their own; sends what the bench needs to its parent. */
import { DEFAULT_AUTH, listen } from '@trainyard/platform'
import { createWeb } from '@trainyard/web'
import { createHarness } from '../../packages/registry/src/testing/harness.ts'
import { journalOf, noLauncher, startHarness } from '../../packages/runner/src/testing/harness.ts'
import { startTeams } from '../../packages/runner/src/testing/teams.ts'
import { combineServers } from '../../scripts/start/combine-servers.ts'
import { fetchInProcess } from '../../scripts/start/fetch-in-process.ts'

const auth = { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } as const
const runner = await startHarness({ runner: { launcher: noLauncher }, config: { auth } })
const registry = await createHarness({ config: { auth } })
const teams = await startTeams(runner)
const created = await runner.post('/v1/jobs', { trainer: 'acme/plain', dataset: teams.datasetId }, teams.owner)
const { id } = (await created.json()) as { id: number }
const { authorization } = await journalOf(runner, id, 1)

const person = { email: 'reader@bench.test', password: 'a long password of a reader' }
await runner.post('/v1/accounts', person)
const { secret } = (await (await runner.post('/v1/sessions', person)).json()) as { secret: string }
const push = await registry.token(['push:*', 'pull:*'])

// As in the combined process.
const web = createWeb({
  registryUrl: runner.url,
  runnerUrl: runner.url,
  fetch: fetchInProcess({ origin: runner.url, app: () => app }),
})
const app = combineServers({ registry: registry.registry.app, runner: runner.runner.app, web: web.app })
const server = await listen(app, { port: 0 })
process.send?.({
  url: server.url,
  cookie: `trainyard_session=${secret}`,
  targets: [
    { method: 'POST', path: '/v1/sessions', authorization: '' },
    { method: 'POST', path: '/v1/accounts', authorization: '' },
    { method: 'POST', path: '/v1/accounts/password-resets/redeem', authorization: '' },
    { method: 'POST', path: '/v1/tokens', authorization: '' },
    { method: 'POST', path: '/v1/tokens', authorization: teams.member.authorization },
    { method: 'POST', path: '/v1/organisations', authorization: teams.member.authorization },
    { method: 'POST', path: '/v1/jobs', authorization: teams.member.authorization },
    { method: 'POST', path: '/v1/datasets?name=hostile', authorization: teams.viewer.authorization },
    { method: 'POST', path: `/v1/jobs/${id}/events`, authorization },
    { method: 'POST', path: `/v1/jobs/${id}/artifacts`, authorization },
    { method: 'POST', path: `/v1/jobs/${id}/dataset/cache`, authorization },
    { method: 'POST', path: `/api/v1/training/jobs/${id}/callback/progress`, authorization },
    { method: 'PUT', path: '/v2/acme/hostile/manifests/latest', authorization: `Bearer ${push}` },
    { method: 'POST', path: '/token', authorization: '' },
    { method: 'POST', path: '/sign-in', authorization: '' },
  ],
})

// Processor time between two ticks: how long a request of another user waits, whatever else the machine does.
let last = process.threadCpuUsage()
let turns: number[] = []
setInterval(() => {
  const now = process.threadCpuUsage()
  turns.push((now.user + now.system - last.user - last.system) / 1000)
  last = now
}, 1)
process.on('message', (message) => {
  if (message === 'collect') {
    // The second one frees what the finalizers of the first have released, such as buffers.
    globalThis.gc?.()
    setTimeout(() => {
      globalThis.gc?.()
      process.send?.('collected')
    }, 50)
    return
  }
  process.send?.(turns)
  turns = []
})
process.once('disconnect', () => process.exit(0))
