import type Docker from 'dockerode'
import type { AttemptRef } from '../launcher.ts'
import { messageOf, statusOf } from './engine.ts'
import { attemptName, type DockerSpecOptions, networkSpec } from './spec.ts'
import { pickSubnet } from './subnets.ts'

const MAX_TRIES = 50

/** Makes the network of an attempt, unless it is there. */
export async function ensureNetwork(docker: Docker, ref: AttemptRef, options: DockerSpecOptions): Promise<void> {
  const name = attemptName(ref, options.instanceId)
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const networks = await docker.listNetworks()
    if (networks.some((network) => network.Name === name)) return
    const taken = networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []))
    const subnet = pickSubnet(options.config.subnets, taken)
    if (subnet === undefined)
      throw new Error(
        `every subnet of DOCKER_SUBNETS (${options.config.subnets}) is taken; remove old networks or widen it`,
      )
    try {
      await docker.createNetwork(networkSpec(ref, options, subnet))
      return
    } catch (error) {
      // Another launch was faster: with the same name (409), or with the same subnet.
      if (statusOf(error) !== 409 && !/overlap/i.test(messageOf(error))) throw error
    }
  }
  throw new Error(`no subnet of DOCKER_SUBNETS (${options.config.subnets}) could be had in ${MAX_TRIES} tries`)
}
