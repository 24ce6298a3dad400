import type Docker from 'dockerode'
import { instanceLabel } from '../spec.ts'

/** What the engine has of a runner's database: containers, networks and volumes, each by its name. */
export async function ofInstance(docker: Docker, instanceId: string): Promise<string[]> {
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
