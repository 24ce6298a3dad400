import { ConfigError, type Logger } from '@trainyard/platform'
import { type CgroupParent, findCgroupParent } from './cgroups.ts'
import type { SubprocessSettings } from './config.ts'
import { findDevices } from './devices.ts'
import { findSandbox } from './find-sandbox.ts'
import type { Sandbox } from './sandbox.ts'

/** How this machine can isolate trainers. Undefined: it cannot. */
export interface SubprocessIsolation {
  sandbox: Sandbox | undefined
  cgroups: CgroupParent | undefined
  /** If defined, trainers have a network of their own. They reach these addresses (`host:port`) and the callback. */
  egress: readonly string[] | undefined
  /** Devices that are assigned to one job each. */
  devices: readonly string[] | undefined
}

export interface DetectIsolationOptions {
  /** The runner's own folders, which trainers must not see. */
  dataDirs: readonly string[]
  instanceId: string
  logger: Pick<Logger, 'info' | 'warn'>
  /** Hides the whole home folder. Default: false, which hides only the usual places of keys. */
  hideHome?: boolean | undefined
}

/** Detects what this machine supports, and logs once what is missing. */
export async function detectIsolation(
  settings: SubprocessSettings,
  options: DetectIsolationOptions,
): Promise<SubprocessIsolation> {
  const { dataDirs, instanceId, logger, hideHome } = options
  const { network = 'shared', egress = [] } = settings
  const sandbox = await findSandbox({ choice: settings.sandbox, dataDirs, logger, hideHome })
  const hasOwnNetwork = network !== 'shared' && sandbox?.ownNetwork === true
  if (network === 'own' && !hasOwnNetwork)
    throw new ConfigError(
      'SUBPROCESS_NETWORK is "own", but this machine cannot give trainers a network of their own: that needs bubblewrap and a kernel that allows network namespaces; expected "auto" or "shared"',
    )
  if (sandbox !== undefined && !hasOwnNetwork)
    logger.warn(
      'Trainers share the network of this machine and reach all servers on loopback. With AUTH=local that includes this API',
    )
  const cgroups = await findCgroupParent(`trainyard-${instanceId}`)
  if (cgroups === undefined)
    logger.warn(
      'No control group can limit memory, so "resources.memoryMb" of manifests is not enforced (with systemd, set Delegate=yes)',
    )
  const devices = settings.gpuDevices ?? (await findDevices())
  if (devices !== undefined) logger.info({ devices }, 'each GPU is assigned to one job at a time')
  return { sandbox, cgroups, egress: hasOwnNetwork ? egress : undefined, devices }
}
