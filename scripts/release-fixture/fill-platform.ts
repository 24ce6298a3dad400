import { LOCAL_ACCOUNT_ID } from '@trainyard/platform'
import {
  pushBundle,
  type Harness as RegistryHarness,
  trainerManifest,
} from '../../packages/registry/src/testing/harness.ts'
import { isOver, openJournal } from '../../packages/runner/src/testing/harness.ts'
import type { Platform } from './open-platform.ts'

/** What the API answered, by path. Addresses that are signed for a time are left out. */
export type Answers = Record<string, unknown>

/** Makes a little of everything that a release stores, and returns what the API answers about it. */
export async function fillPlatform(platform: Platform): Promise<Answers> {
  const { runner, registry, identity } = platform
  await registry.start()
  const ended: number[] = []
  for (const config of [
    { epochs: 5, save_every: 2 },
    { epochs: 1, ending: 'failed' },
  ]) {
    const job = await runner.createJob({ name: `fixture of ${JSON.stringify(config)}`, config })
    ended.push((await runner.waitFor(job.id, isOver)).id)
  }
  const running = await openJournal(runner, { name: 'running' })
  const lines = Array.from({ length: 40 }, (_, index) => ({ type: 'log', level: 'info', message: `line ${index + 1}` }))
  const steps = Array.from({ length: 60 }, (_, index) => ({
    type: 'progress',
    epoch: 1,
    totalEpochs: 2,
    step: index + 1,
    totalSteps: 120,
    metrics: { loss: index === 9 ? 'NaN' : 1 / (index + 1) },
  }))
  const sent = await running.send(1, [{ type: 'started' }, ...lines, ...steps])
  if (sent.status !== 200) throw new Error(`events were refused: ${await sent.text()}`)

  const scopes = ['push:*', 'pull:*', 'jobs:read']
  const { secret } = await identity.createToken({
    owner: LOCAL_ACCOUNT_ID,
    accountId: LOCAL_ACCOUNT_ID,
    name: 'kept',
    scopes,
  })
  for (const version of ['1.0.0', '1.1.0']) await publish(platform, { version, token: secret })
  return await readAnswers(platform, [
    '/v1/jobs',
    ...[...ended, running.jobId].flatMap((id) => [
      `/v1/jobs/${id}`,
      `/v1/jobs/${id}/events?limit=1000`,
      `/v1/jobs/${id}/logs?limit=1000`,
      `/v1/jobs/${id}/metrics?points=1000`,
      `/v1/jobs/${id}/artifacts`,
    ]),
    '/v1/datasets',
    '/v1/snapshots',
    '/v1/me',
    '/v1/tokens',
    '/v1/organisations',
    '/v1/trainers',
    '/v1/trainers/local/tiny',
    '/v1/trainers/local/tiny/versions/1.0.0',
    '/v1/trainers/local/tiny/resolve?range=%5E1',
  ])
}

async function publish({ registry }: Platform, { version, token }: { version: string; token: string }): Promise<void> {
  const name = 'local/tiny'
  const request: RegistryHarness['request'] = async (path, { token: sent, ...init } = {}) => {
    const headers = new Headers(init.headers)
    if (sent !== undefined) headers.set('authorization', `Bearer ${sent}`)
    return await registry.app.request(path, { ...init, headers })
  }
  const harness = { request } as RegistryHarness
  const pushed = await pushBundle(harness, { name, version, token, manifest: trainerManifest(name, version) })
  if (!pushed.ok) throw new Error(`the registry refused ${name}@${version}: ${await pushed.text()}`)
  for (let tries = 0; tries < 600; tries++) {
    const answer = await request(`/v1/trainers/${name}/versions/${version}`)
    if (answer.ok && ((await answer.json()) as { state: string }).state === 'published') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${name}@${version} was not published in time`)
}

export async function readAnswers(platform: Platform, paths: readonly string[]): Promise<Answers> {
  const answers: Answers = {}
  for (const path of paths) {
    const response = await platform.request(path)
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`)
    answers[path] = withoutAddresses(await response.json())
  }
  return answers
}

/** Removes what differs between two readings: signed addresses, and when something was last used. */
function withoutAddresses(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAddresses)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !['url', 'lastUsedAt', 'expiresAt', 'request'].includes(name))
      .map(([name, part]) => [name, withoutAddresses(part)]),
  )
}
