import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { it } from 'vitest'
import type { Victims } from '../../testing/victims.ts'
import { ATTACK_LIMITS, attackCases } from '../attacks.cases.ts'
import { findCgroupParent } from './cgroups.ts'
import { closeDataFolders, findSeparateUsers } from './find-separate-users.ts'
import { createSubprocessLauncher, type SubprocessLauncherOptions } from './launcher.ts'
import { findSandbox } from './sandbox/find-sandbox.ts'

const logger = createLogger({ name: 'test', level: 'silent' })

async function open(victims: Victims, over: Partial<SubprocessLauncherOptions>) {
  const dir = join(victims.dataDir, 'bundles', 'own')
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'main.js'), 'its own')
  victims.ownBundle = join(dir, 'main.js')
  const launcher = createSubprocessLauncher({
    attemptsDir: join(victims.dataDir, 'attempts'),
    datasetCacheDir: join(victims.dataDir, 'datasets'),
    datasetCacheMaxGb: 1,
    logger,
    limits: { memoryMb: 2048, diskGb: 1, ...ATTACK_LIMITS },
    cgroups: await findCgroupParent(`trainyard-attacks-${process.pid}`),
    ...over,
  })
  return { launcher, trainer: { type: 'folder' as const, dir }, close: async () => {} }
}

for (const kind of ['bubblewrap', 'util-linux'] as const) {
  const found = await findSandbox({ choice: kind, dataDirs: [], logger }).catch(() => undefined)
  if (found?.sandbox?.ownNetwork !== true)
    it.skip(`attacks in ${kind} (needs ${kind}, and user namespaces, or root with CAP_SYS_ADMIN and CAP_NET_ADMIN)`)
  else
    attackCases({
      name: `subprocess in ${kind}`,
      create: async (victims) => {
        const { sandbox } = await findSandbox({ choice: kind, dataDirs: [victims.dataDir], logger })
        return await open(victims, { sandbox, egress: [] })
      },
    })
}

/** What a process can do that is another user, and nothing more. */
const OF_OTHER_USERS = [
  'reaches the port of the database',
  'reaches the socket of the database',
  'reaches an abstract socket of another service',
  'reaches the metadata address of the cloud',
  'reaches the network of the machine',
  'sees the processes of the platform',
  'reads /root, /home, /opt, /mnt or /srv',
  'creates a user namespace',
  'mounts a file system',
  'uses the kernel’s key rings',
  'uses io_uring',
  'uses userfaultfd',
  'traces a process',
  'fills the disk with deleted files',
  'fills /dev/shm',
]

const separateUsers = await findSeparateUsers(['/var'])
if (separateUsers === undefined)
  it.skip('attacks as another user without a sandbox (needs root, setpriv, and a Node that other users can start)')
else
  attackCases({
    name: 'subprocess without a sandbox, as another user',
    create: async (victims) => {
      // As in many containers, which have no control groups of their own.
      const underTest = await open(victims, { separateUsers, cgroups: undefined })
      await closeDataFolders([victims.dataDir])
      return underTest
    },
    succeeding: OF_OTHER_USERS,
  })

/** Without root and without a sandbox, a trainer can do what the runner's user can. */
const OF_THE_SAME_USER = [
  ...OF_OTHER_USERS,
  'reads the password of the database',
  'reads the signing key',
  'reads the environment of the platform through /proc',
  'lists the data folder',
  'writes into the data folder',
  'changes the bundle of another trainer',
  'changes its own bundle',
  'changes a cached dataset',
  'reads a secret through a symbolic link',
  'reads a secret through a hard link',
  'kills a process of the platform',
  'gains privileges through setuid programs',
  // Only a control group would know it.
  'leaves a process behind',
]

if (process.getuid?.() === 0)
  it.skip('attacks without a sandbox, as the user of the runner (needs another user than root)')
else
  attackCases({
    name: 'subprocess without a sandbox, as the user of the runner',
    create: (victims) => open(victims, {}),
    succeeding: OF_THE_SAME_USER,
  })
