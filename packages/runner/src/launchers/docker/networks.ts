import { ignoring, messageOf, statusOf } from './engine.ts'
import type { EngineClient, NetworkSpec } from './engine-client.ts'
import { pickSubnet } from './subnets.ts'

const MAX_TRIES = 50

export interface NetworkOptions {
  name: string
  /** The range from which a subnet is taken. */
  subnets: string
  spec(subnet: string): NetworkSpec
}

/**
 * Creates a network, such as that of an attempt, unless it exists. The engine's check for duplicates does not detect requests that come
 * at the same time, for example from a killed runner and its successor, and a duplicate name cannot be used.
 */
export async function ensureNetwork(docker: EngineClient, { name, subnets, spec }: NetworkOptions): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const networks = await docker.listNetworks()
    const [first, ...others] = byId(networks.filter((network) => network.Name === name))
    if (first !== undefined) {
      // All callers keep the same one. 403: a container uses it already.
      for (const { Id } of others) await ignoring([403, 404], docker.getNetwork(Id).remove())
      return
    }
    const taken = networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []))
    const subnet = pickSubnet(subnets, taken)
    if (subnet === undefined)
      throw new Error(`DOCKER_SUBNETS is "${subnets}" and has no free subnet: remove old networks or widen the range`)
    try {
      // The next round checks for duplicates.
      await docker.createNetwork(spec(subnet))
    } catch (error) {
      // Another launch created one first, with the same name (409) or the same subnet.
      if (statusOf(error) !== 409 && !/overlap/i.test(messageOf(error))) throw error
    }
  }
  throw new Error(`DOCKER_SUBNETS is "${subnets}" and gave no usable subnet in ${MAX_TRIES} tries`)
}

/** Removes networks by id, because the engine refuses a name that two networks have. */
export async function removeNetworks(docker: EngineClient, name: string): Promise<void> {
  // The filter also matches parts of names.
  const networks = await docker.listNetworks({ filters: { name: [name] } })
  for (const { Id, Name } of networks) if (Name === name) await ignoring([404], docker.getNetwork(Id).remove())
}

const byId = <T extends { Id: string }>(networks: readonly T[]): T[] =>
  networks.toSorted((a, b) => (a.Id < b.Id ? -1 : 1))
