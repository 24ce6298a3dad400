import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createLogger, processIdentity } from '@trainyard/platform'
import { afterAll, describe, expect, test } from 'vitest'
import { openClosedEngine } from './closed-engine.ts'
import { connectEngine, ignoring } from './engine.ts'
import { createInstanceId } from './instances.ts'

const BASE = 'node:24-bookworm-slim'
const docker = connectEngine()
const isReady = await docker
  .getImage(BASE)
  .inspect()
  .then(
    () => true,
    () => false,
  )
if (!isReady)
  console.warn(`SKIPPED: what killed runs of images leave. It needs a Docker engine that has the image ${BASE}`)

describe.skipIf(!isReady)('when an engine is opened', () => {
  const names: string[] = []
  const processes: ChildProcess[] = []
  afterAll(async () => {
    for (const process of processes) process.kill('SIGKILL')
    for (const name of names) {
      await ignoring([404], docker.getImage(`${name}:latest`).remove())
      await ignoring([404], docker.getNetwork(name).remove())
    }
  })

  /** A process that has an image and a network in the engine. */
  async function startOwner(): Promise<{ owner: ChildProcess; name: string }> {
    const owner = spawn('sleep', ['600'])
    processes.push(owner)
    const identity = await processIdentity(owner.pid ?? 0)
    const instance = (await createInstanceId()).replace(/-.*/, `-${owner.pid}-${identity}`)
    const name = `trainyard-closed-${instance}`
    names.push(name)
    await docker.getImage(BASE).tag({ repo: name, tag: 'latest' })
    await docker.createNetwork({ Name: name, Internal: true, Labels: { 'dev.trainyard.instance': instance } })
    return { owner, name }
  }
  const left = async ({ name }: { name: string }) => [
    ...(await docker.listImages({ filters: { reference: [name] } })).flatMap(({ RepoTags }) => RepoTags ?? []),
    ...(await docker.listNetworks({ filters: { name: [name] } })).map(({ Name }) => Name),
  ]

  test('what a killed process left in it is removed, and what living ones use stays', { timeout: 60_000 }, async () => {
    const [living, killed] = [await startOwner(), await startOwner()]
    killed.owner.kill('SIGKILL')
    await once(killed.owner, 'exit')
    const engine = await openClosedEngine({
      env: process.env,
      instanceId: await createInstanceId(),
      logger: createLogger({ name: 'test', level: 'silent' }),
    })
    if (typeof engine === 'string') throw new Error(engine)
    await engine.close()
    expect(await left(killed)).toEqual([])
    expect(await left(living)).toEqual([`${living.name}:latest`, living.name])
  })
})
