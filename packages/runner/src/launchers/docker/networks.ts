import type Docker from 'dockerode'
import type { AttemptRef } from '../launcher.ts'
import { messageOf, statusOf, unless } from './engine.ts'
import { attemptName, type DockerSpecOptions, networkSpec } from './spec.ts'
import { pickSubnet } from './subnets.ts'

const MAX_TRIES = 50

/**
 * Makes the network of an attempt, unless it is there. The engine's own look for duplicates lets two through that come at
 * the same time, as from a runner that was killed and the one after it; and then the name means neither.
 */
export async function ensureNetwork(docker: Docker, ref: AttemptRef, options: DockerSpecOptions): Promise<void> {
  const name = attemptName(ref, options.instanceId)
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const networks = await docker.listNetworks()
    const [first, ...others] = byId(networks.filter((network) => network.Name === name))
    if (first !== undefined) {
      // Everybody keeps the same one; 403: somebody uses it already.
      for (const { Id } of others) await unless([403, 404], docker.getNetwork(Id).remove())
      return
    }
    const taken = networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []))
    const subnet = pickSubnet(options.config.subnets, taken)
    if (subnet === undefined)
      throw new Error(
        `every subnet of DOCKER_SUBNETS (${options.config.subnets}) is taken; remove old networks or widen it`,
      )
    try {
      // Looked at once more: another one may have been made beside it.
      await docker.createNetwork(networkSpec(ref, options, subnet))
    } catch (error) {
      // Another launch was faster: with the same name (409), or with the same subnet.
      if (statusOf(error) !== 409 && !/overlap/i.test(messageOf(error))) throw error
    }
  }
  throw new Error(`no subnet of DOCKER_SUBNETS (${options.config.subnets}) could be had in ${MAX_TRIES} tries`)
}

/** By id: removing by a name that two of them have is refused. */
export async function removeNetworks(docker: Docker, name: string): Promise<void> {
  // The filter takes a part of a name, too.
  const found = await docker.listNetworks({ filters: { name: [name] } })
  for (const { Id, Name } of found) if (Name === name) await unless([404], docker.getNetwork(Id).remove())
}

const byId = <T extends { Id: string }>(networks: readonly T[]): T[] =>
  networks.toSorted((a, b) => (a.Id < b.Id ? -1 : 1))
