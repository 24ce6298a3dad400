import { ConfigError, createLogger } from '@trainyard/platform'
import { readDockerConfig } from '../../launchers/docker/config.ts'
import { connectEngine, ignoring, readEngineInfo } from '../../launchers/docker/engine.ts'
import type { EngineClient } from '../../launchers/docker/engine-client.ts'
import { createDockerLauncher } from '../../launchers/docker/launcher.ts'
import { attemptName, instanceLabel, parseLabels } from '../../launchers/docker/names.ts'
import { listLeftovers } from '../../launchers/docker/testing/list-leftovers.ts'
import type { ChaosLauncher, ChaosScene, Kill } from './chaos-launcher.ts'

const BASE = 'node:24-bookworm-slim'

/** Trainers are containers of an engine on this machine. Its settings come from the environment. */
export async function dockerChaos(
  env: Record<string, string | undefined>,
  image: string | undefined,
): Promise<ChaosLauncher> {
  const variables = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith('DOCKER_') && value !== undefined ? [[name, value] as const] : [],
  )
  const config = readDockerConfig(env)
  const docker = connectEngine(config)
  const { gateway } = await readEngineInfo(docker, config.host)
  if (gateway === undefined) throw new ConfigError('The chaos run needs a Docker engine on this machine')
  const found = await ignoring([404], docker.getImage(image ?? BASE).inspect())
  if (found === undefined)
    throw new ConfigError(`The chaos run needs an image with Node, but the engine does not have ${image ?? BASE}`)
  return {
    settings: {
      launcher: 'docker',
      sandbox: 'none',
      image: found.Id,
      docker: Object.fromEntries(variables),
      maxConcurrentJobs: 4,
    },
    address: gateway,
    concurrency: 10,
    killTrainer: (scene, random) => killContainer(docker, scene, random),
    leftovers: ({ instanceId }) => listLeftovers(docker, instanceId),
    async close({ dir, instanceId }) {
      if (instanceId === '') return
      const launcher = await createDockerLauncher({
        config,
        instanceId,
        datasetCacheDir: dir,
        datasetCacheMaxGb: 1,
        logger: createLogger({ name: 'chaos', level: 'silent' }),
      })
      for await (const ref of launcher.list()) await launcher.remove(ref)
    },
  }
}

async function killContainer(
  docker: EngineClient,
  { instanceId }: ChaosScene,
  random: () => number,
): Promise<Kill | undefined> {
  const running = await docker.listContainers({ filters: { label: [instanceLabel(instanceId)] } })
  const trainers = running.flatMap(({ Id, Labels }) => {
    const ref = parseLabels(Labels)
    return ref === undefined ? [] : [{ Id, attempt: attemptName(ref, instanceId) }]
  })
  const victim = trainers[Math.floor(random() * trainers.length)]
  if (victim === undefined) return undefined
  const container = docker.getContainer(victim.Id)
  const kills: readonly [how: string, kill: () => Promise<unknown>][] = [
    ['docker kill', () => container.kill({ signal: 'SIGKILL' })],
    ['docker rm -f', () => container.remove({ force: true })],
    ['docker stop', () => container.stop({ t: 1 })],
  ]
  const [how, kill] = kills[Math.floor(random() * kills.length)] ?? kills[0] ?? []
  if (how === undefined || kill === undefined) return undefined
  // 404 and 409: it had already ended.
  const isDone = await ignoring(
    [304, 404, 409],
    kill().then(() => true),
  )
  return isDone ? { how, attempt: victim.attempt } : undefined
}
