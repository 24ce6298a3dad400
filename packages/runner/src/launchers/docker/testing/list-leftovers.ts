import type { EngineClient } from '../engine-client.ts'
import { instanceLabel } from '../names.ts'

/** Containers, networks and volumes in the engine that belong to a runner's database. */
export async function listLeftovers(docker: EngineClient, instanceId: string): Promise<string[]> {
  const filters = { label: [instanceLabel(instanceId)] }
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ])
  return [
    ...containers.map(({ Names }) => `container ${Names.join()}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(volumes.Volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ]
}
