import { ConfigError, type Logger } from '@trainyard/platform'
import { type CgroupParent, findCgroupParent } from './cgroups.ts'
import type { SubprocessSettings } from './config.ts'
import { findDevices } from './devices.ts'
import { findSandbox, type Sandbox } from './sandbox.ts'

export interface SubprocessMeans {
  sandbox: Sandbox | undefined
  cgroups: CgroupParent | undefined
  /** Present: trainers have a network of their own, and reach this beside the callback, as `host:port`. */
  egress?: readonly string[]
  devices?: readonly string[]
}

/** What this machine has for keeping trainers apart; what is missing is said once, in the log. */
export async function findMeans(
  settings: SubprocessSettings,
  options: {
    dataDirs: readonly string[]
    instanceId: string
    logger: Pick<Logger, 'info' | 'warn'>
    hideHome?: boolean
  },
): Promise<SubprocessMeans> {
  const { dataDirs, instanceId, logger, hideHome = false } = options
  const sandbox = await findSandbox({ choice: settings.sandbox, dataDirs, logger, hideHome })
  const { network = 'shared', egress = [] } = settings
  const ownNetwork = network !== 'shared' && sandbox?.ownNetwork === true
  if (network === 'own' && !ownNetwork)
    throw new ConfigError(
      'SUBPROCESS_NETWORK is "own", and no network of a trainer’s own can be made here: it needs bubblewrap and a kernel that allows it; choose "auto" or "shared"',
    )
  if (sandbox !== undefined && !ownNetwork)
    logger.warn(
      'Trainers share the network of this machine: they reach whatever listens on loopback, with AUTH=local this API too',
    )
  const cgroups = await findCgroupParent(`trainyard-${instanceId}`)
  if (cgroups === undefined)
    logger.warn(
      'No control group here can limit memory: "resources.memoryMb" of manifests is not kept (with systemd: Delegate=yes)',
    )
  const devices = settings.gpuDevices ?? (await findDevices())
  if (devices !== undefined) logger.info({ devices }, 'each GPU is given to one job at a time')
  return {
    sandbox,
    cgroups,
    ...(ownNetwork ? { egress } : {}),
    ...(devices === undefined ? {} : { devices }),
  }
}
