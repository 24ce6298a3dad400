import { ConfigError, type Logger } from '@trainyard/platform'
import { type CgroupParent, findCgroupParent } from './cgroups.ts'
import type { SubprocessSettings } from './config.ts'
import { findDevices } from './devices.ts'
import { closeDataFolders, findSeparateUsers, type SeparateUsers } from './find-separate-users.ts'
import { DEFAULT_LIMITS, type SubprocessLimits } from './limits.ts'
import { findSandbox } from './sandbox/find-sandbox.ts'
import type { Sandbox } from './sandbox/sandbox.ts'

/** How this machine can isolate trainers. Undefined: it cannot. */
export interface SubprocessIsolation {
  sandbox: Sandbox | undefined
  /** For people: why trainers are not sandboxed, and what they can do. Undefined: they are. */
  weakness: string | undefined
  /** Without a sandbox and as root, each attempt runs as a user of its own, if that works. */
  separateUsers: SeparateUsers | undefined
  cgroups: CgroupParent | undefined
  limits: SubprocessLimits
  /** If defined, trainers have a network of their own. They reach these addresses (`host:port`) and the callback. */
  egress: readonly string[] | undefined
  readPaths: readonly string[]
  /** Devices that are assigned to one job each. */
  devices: readonly string[] | undefined
}

export interface DetectIsolationOptions {
  /** The platform's own folders, which trainers must not see. */
  dataDirs: readonly string[]
  instanceId: string
  logger: Pick<Logger, 'info' | 'warn'>
  /** The server's PATH, in which programs are searched. Default: that of this process. */
  path?: string | undefined
  /** Where the folders of attempts are. Default: in the first of `dataDirs`. */
  workDir?: string | undefined
}

/** Detects what this machine supports, and logs once what is missing. */
export async function detectIsolation(
  settings: SubprocessSettings,
  { dataDirs, instanceId, logger, path, workDir }: DetectIsolationOptions,
): Promise<SubprocessIsolation> {
  const { network = 'shared', egress = [], readPaths = [] } = settings
  const search = await findSandbox({ choice: settings.sandbox, dataDirs, logger, readPaths, path })
  const { sandbox } = search
  const separateUsers = sandbox === undefined ? await findSeparateUsers(dataDirs, path, workDir) : undefined
  if (separateUsers !== undefined) await closeDataFolders(dataDirs)
  const weakness = search.sandbox === undefined ? describeWeakness(search.problem, separateUsers) : undefined
  if (weakness !== undefined) logger.warn(weakness)
  const hasOwnNetwork = network !== 'shared' && sandbox?.ownNetwork === true
  if (network === 'own' && !hasOwnNetwork)
    throw new ConfigError(
      'SUBPROCESS_NETWORK is "own", but this machine cannot give trainers a network of their own: that needs a sandbox and a kernel that allows network namespaces; expected "auto" or "shared"',
    )
  if (sandbox !== undefined && !hasOwnNetwork)
    logger.warn(
      'Trainers share the network of this machine and reach all servers on loopback. With AUTH=local that includes this API',
    )
  if (sandbox !== undefined && sandbox.filter === undefined)
    logger.warn(
      'System calls of trainers are not filtered: that needs bubblewrap, setpriv of util-linux 2.41, Perl or Python, on x86-64 or ARM64',
    )
  const cgroups = await findCgroupParent(`trainyard-${instanceId}`)
  if (cgroups === undefined)
    logger.warn(
      'No control group can limit memory, so it is limited for each process of a trainer and not for all together (with systemd, set Delegate=yes)',
    )
  const devices = settings.gpuDevices ?? (await findDevices())
  if (devices !== undefined) logger.info({ devices }, 'each GPU is assigned to one job at a time')
  return {
    sandbox,
    weakness,
    separateUsers,
    cgroups,
    limits: withDefaults(settings.limits),
    egress: hasOwnNetwork ? egress : undefined,
    readPaths,
    devices,
  }
}

function withDefaults(limits: SubprocessSettings['limits'] = {}): SubprocessLimits {
  const { memoryMb, processes, diskGb, shmMb } = limits
  return {
    memoryMb: memoryMb ?? DEFAULT_LIMITS.memoryMb,
    processes: processes ?? DEFAULT_LIMITS.processes,
    diskGb: diskGb ?? DEFAULT_LIMITS.diskGb,
    shmMb: shmMb ?? DEFAULT_LIMITS.shmMb,
  }
}

function describeWeakness(problem: string, separateUsers: SeparateUsers | undefined): string {
  const what =
    separateUsers === undefined
      ? 'They can do what the user of this server can: read its database and keys, and change its files'
      : 'Each runs as a user of its own, but can read what all users can, and reach every server on loopback'
  return `Trainers run without a sandbox. ${what}. Reason: ${problem}. Install bubblewrap, or allow user namespaces`
}
