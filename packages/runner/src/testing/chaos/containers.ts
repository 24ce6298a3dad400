import { ConfigError, createLogger } from '@trainyard/platform'
import { readDockerConfig } from '../../launchers/docker/config.ts'
import { connectEngine, ignoring, readEngineInfo } from '../../launchers/docker/engine.ts'
import { createDockerLauncher } from '../../launchers/docker/launcher.ts'
import { attemptName, instanceLabel, parseLabels } from '../../launchers/docker/spec.ts'
import { listLeftovers } from '../../launchers/docker/testing/list-leftovers.ts'
import type { ChaosLauncher } from './victims.ts'

const BASE = 'node:24-bookworm-slim'

/** Containers of an engine on this machine; its settings come from the environment. */
export async function dockerChaos(
  env: Record<string, string | undefined>,
  image: string | undefined,
): Promise<ChaosLauncher> {
  const own = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith('DOCKER_') && value !== undefined ? [[name, value] as const] : [],
  )
  const config = readDockerConfig(env)
  const docker = connectEngine(config)
  const { gateway } = await readEngineInfo(docker, config.host)
  if (gateway === undefined) throw new ConfigError('chaos needs a Docker engine that runs on this machine')
  const found = await ignoring([404], docker.getImage(image ?? BASE).inspect())
  if (found === undefined) throw new ConfigError(`chaos needs an image with Node; the engine has no ${image ?? BASE}`)
  return {
    settings: { launcher: 'docker', sandbox: 'none', image: found.Id, docker: Object.fromEntries(own), places: 4 },
    address: gateway,
    underWay: 10,
    async killTrainer({ instanceId }, random) {
      const running = (await docker.listContainers({ filters: { label: [instanceLabel(instanceId)] } })).flatMap(
        ({ Id, Labels }) => {
          const ref = parseLabels(Labels)
          return ref === undefined ? [] : [{ Id, name: attemptName(ref, instanceId) }]
        },
      )
      const victim = running[Math.floor(random() * running.length)]
      if (victim === undefined) return undefined
      const container = docker.getContainer(victim.Id)
      const kills: readonly [how: string, kill: () => Promise<unknown>][] = [
        ['docker kill', () => container.kill({ signal: 'SIGKILL' })],
        ['docker rm -f', () => container.remove({ force: true })],
        ['docker stop', () => container.stop({ t: 1 })],
      ]
      const [how, kill] = kills[Math.floor(random() * kills.length)] ?? kills[0] ?? []
      if (how === undefined || kill === undefined) return undefined
      // 404 and 409: it ended by itself meanwhile, and was not killed.
      const isDone = await ignoring(
        [304, 404, 409],
        kill().then(() => true),
      )
      return isDone ? { how, whom: victim.name } : undefined
    },
    leftovers: ({ instanceId }) => listLeftovers(docker, instanceId),
    async close({ dir, instanceId }) {
      if (instanceId === '') return
      const logger = createLogger({ name: 'chaos', level: 'silent' })
      const launcher = await createDockerLauncher({
        ...{ config, instanceId, datasetCacheDir: dir, datasetCacheMaxGb: 1, logger },
      })
      for await (const ref of launcher.list()) await launcher.remove(ref)
    },
  }
}
