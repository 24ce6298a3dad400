import type { Logger } from '@trainyard/platform'
import { type CgroupParent, findCgroupParent } from './cgroups.ts'
import type { SubprocessSettings } from './config.ts'
import { findDevices } from './devices.ts'
import { findSandbox, type Sandbox } from './sandbox.ts'

export interface SubprocessMeans {
  sandbox: Sandbox | undefined
  cgroups: CgroupParent | undefined
  devices?: readonly string[]
}

/** What this machine has for keeping trainers apart; what is missing is said once, in the log. */
export async function findMeans(
  settings: SubprocessSettings,
  options: { dataDirs: readonly string[]; instanceId: string; logger: Logger },
): Promise<SubprocessMeans> {
  const { dataDirs, instanceId, logger } = options
  const sandbox = await findSandbox({ choice: settings.sandbox, dataDirs, logger })
  const cgroups = await findCgroupParent(`trainyard-${instanceId}`)
  if (cgroups === undefined)
    logger.warn(
      'No control group here can limit memory: "resources.memoryMb" of manifests is not kept (with systemd: Delegate=yes)',
    )
  const devices = settings.gpuDevices ?? (await findDevices())
  if (devices !== undefined) logger.info({ devices }, 'each GPU is given to one job at a time')
  return { sandbox, cgroups, ...(devices === undefined ? {} : { devices }) }
}
