import type { ClosedEngine, ClosedEngineOptions, ClosedLauncherOptions, LoadableImage } from '../closed-engine.ts'
import type { AttemptRef, Launcher } from '../launcher.ts'
import { type DockerConfig, readDockerConfig } from './config.ts'
import { connectEngine, ignoring, readEngineInfo } from './engine.ts'
import type { EngineClient } from './engine-client.ts'
import { hasEnded } from './instances.ts'
import { createDockerLauncher } from './launcher.ts'
import { loadImage } from './load-image.ts'
import { attemptName, instanceLabel, instanceLabels } from './names.ts'
import { ensureNetwork } from './networks.ts'
import { firstAddress } from './subnets.ts'

/** Loading can take as long as it takes to write the image. */
const LOAD_TIMEOUT_MS = 30 * 60_000
/** No machine has this address: https://datatracker.ietf.org/doc/html/rfc5737 */
const NO_NAME_SERVER = '192.0.2.53'
const NAME_PREFIX = 'trainyard-closed-'

/**
 * Opens the engine, and removes what processes that were killed have left in it.
 *
 * @returns a text that says why, where containers cannot be run and watched here
 */
export async function openClosedEngine(options: ClosedEngineOptions): Promise<ClosedEngine | string> {
  const config = readDockerConfig({ ...options.env })
  const docker = connectEngine(config)
  const shown = config.host ?? 'its usual socket'
  const version = await docker.version().catch(() => undefined)
  if (version === undefined) return `no Docker engine answers at ${shown}`
  const engine = await readEngineInfo(docker, config.host)
  if (engine.gateway === undefined)
    return `the Docker engine at ${shown} runs on another machine, or this process is in a container`
  const open = (instanceId: string) =>
    new DockerEngine(docker, {
      options: { ...options, instanceId },
      config,
      platform: `${version.Os}/${version.Arch}`,
    })
  for (const instanceId of await readInstances(docker)) if (await hasEnded(instanceId)) await open(instanceId).close()
  return open(options.instanceId)
}

/** Of everything that closed engines have created and not removed. */
async function readInstances(docker: EngineClient): Promise<Set<string>> {
  const networks = await docker.listNetworks({ filters: { name: [NAME_PREFIX] } })
  const images = await docker.listImages({ filters: { reference: [`${NAME_PREFIX}*`] } })
  const names = [...networks.map(({ Name }) => Name), ...images.flatMap(({ RepoTags }) => RepoTags ?? [])]
  const ours = names.filter((name) => name.startsWith(NAME_PREFIX))
  return new Set(ours.map((name) => name.slice(NAME_PREFIX.length).replace(/:.*/, '')))
}

/** The last address of a subnet before its broadcast, as the gateway. */
function unusedGateway(subnet: string): Record<string, string> {
  const [base = '', bits] = subnet.split('/')
  const parts = base.split('.').map(Number)
  return { DefaultGatewayIPv4: [...parts.slice(0, 3), (parts[3] ?? 0) + 2 ** (32 - Number(bits)) - 2].join('.') }
}

class DockerEngine implements ClosedEngine {
  readonly platform: string
  readonly #docker: EngineClient
  readonly #config: DockerConfig
  readonly #options: ClosedEngineOptions
  readonly #name: string

  constructor(
    docker: EngineClient,
    { options, config, platform }: { options: ClosedEngineOptions; config: DockerConfig; platform: string },
  ) {
    this.#docker = docker
    this.#options = options
    this.#name = `${NAME_PREFIX}${options.instanceId}`
    this.#config = { ...config, network: this.#name }
    this.platform = platform
  }

  async load(image: LoadableImage): Promise<string> {
    return await loadImage(connectEngine(this.#config, LOAD_TIMEOUT_MS), image, `${this.#name}:latest`)
  }

  async openNetwork(): Promise<string> {
    const { instanceId } = this.#options
    await ensureNetwork(this.#docker, {
      name: this.#name,
      subnets: this.#config.subnets,
      spec: (subnet) => ({
        Name: this.#name,
        Driver: 'bridge',
        Internal: true,
        CheckDuplicate: true,
        // Without a machine at the gateway, what leads elsewhere fails after three seconds, and does not wait for minutes.
        IPAM: { Driver: 'default', Config: [{ Subnet: subnet, AuxiliaryAddresses: unusedGateway(subnet) }] },
        Labels: instanceLabels(instanceId),
      }),
    })
    const { IPAM } = await this.#docker.getNetwork(this.#name).inspect()
    const { Gateway, Subnet } = (IPAM?.Config?.[0] ?? {}) as { Gateway?: string; Subnet?: string }
    const address = Gateway ?? firstAddress(Subnet ?? '')
    if (address === undefined) throw new Error(`the engine gave the network ${this.#name} no address`)
    return address.replace(/\/\d+$/, '')
  }

  async createLauncher({ folders, ...cache }: ClosedLauncherOptions): Promise<Launcher> {
    const { instanceId, logger } = this.#options
    const watch = { folders, nameServer: NO_NAME_SERVER, cacheIsWritable: true }
    return await createDockerLauncher({ ...cache, config: this.#config, instanceId, watch, logger })
  }

  async rootProcess(ref: AttemptRef): Promise<number | undefined> {
    const name = attemptName(ref, this.#options.instanceId)
    const pid = (await ignoring([404], this.#docker.getContainer(name).inspect()))?.State.Pid ?? 0
    return pid > 1 ? pid : undefined
  }

  async close(): Promise<void> {
    const filters = { label: [instanceLabel(this.#options.instanceId)] }
    for (const { Id } of await this.#docker.listContainers({ all: true, filters }))
      await ignoring([404, 409], this.#docker.getContainer(Id).remove({ force: true, v: true }))
    for (const { Name } of (await this.#docker.listVolumes({ filters })).Volumes ?? [])
      await ignoring([404, 409], this.#docker.getVolume(Name).remove())
    for (const { Id } of await this.#docker.listNetworks({ filters }))
      await ignoring([403, 404], this.#docker.getNetwork(Id).remove())
    await ignoring([404], this.#docker.getImage(`${this.#name}:latest`).remove({ force: true }))
  }
}
