import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { chmod, chown, mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError } from '../../errors.ts'
import type { PostgresBinaries } from './binaries.ts'

const run = promisify(execFile)

interface Owner {
  uid: number
  gid: number
}

/** The user that runs PostgreSQL's programs. */
export interface RunAs {
  /** The owner that PostgreSQL's files must have; undefined when this process is not root and runs it as itself. */
  owner: Owner | undefined
  spawn(program: string, args: string[], options: SpawnOptions): ChildProcess
}

/** A minimal environment: the server receives no secrets, and no PGHOST misleads it. */
const POSTGRES_ENV: NodeJS.ProcessEnv = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const asCurrentUser: RunAs = {
  owner: undefined,
  spawn: (program, args, options) => spawn(program, args, { ...options, cwd: '/', env: POSTGRES_ENV }),
}

/**
 * PostgreSQL refuses to run as root. When this process is root, PostgreSQL runs as the unprivileged user `nobody`. When that
 * user cannot enter a folder on the way to the binaries or the data, for example /root, it keeps one capability for it.
 *
 * @param dataDir must exist
 * @throws ConfigError
 */
export async function chooseUser(binaries: PostgresBinaries, dataDir: string): Promise<RunAs> {
  if (process.getuid?.() !== 0) return asCurrentUser
  const owner = (await ownerOf(join(dataDir, 'cluster'))) ?? (await findUnprivilegedUser())
  const probeDir = await mkdtemp(join(dataDir, 'probe.'))
  try {
    // The folder keeps its owner, and others can only enter it. The files in it have their own modes.
    await chmod(dataDir, 0o711)
    await chown(probeDir, owner.uid, owner.gid)
    return await firstThatWorks(owner, binaries, probeDir)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(
      `PostgreSQL does not run as root, and the owner of a folder in ${dataDir} cannot be changed (to uid ${owner.uid}); start as a non-root user, choose another data folder, or set DATABASE_URL`,
      { cause: error },
    )
  } finally {
    await rm(probeDir, { recursive: true, force: true })
  }
}

async function firstThatWorks(owner: Owner, binaries: PostgresBinaries, probeDir: string): Promise<RunAs> {
  const candidates: RunAs[] = [
    {
      owner,
      spawn: (file, args, options) => spawn(file, args, { ...options, ...owner, cwd: '/', env: POSTGRES_ENV }),
    },
    withCapability(owner, 'dac_read_search'),
    withCapability(owner, 'dac_override'),
  ]
  for (const candidate of candidates) {
    if (await canWork(candidate, binaries, probeDir)) return candidate
  }
  const blocked = (await firstClosedFolder(binaries.postgres, owner)) ?? (await firstClosedFolder(probeDir, owner))
  throw new ConfigError(
    blocked === undefined
      ? `PostgreSQL does not run as root, and this process cannot run programs as uid ${owner.uid}, or that user has no name in /etc/passwd; start as a non-root user, or set DATABASE_URL`
      : `PostgreSQL does not run as root, and the user with uid ${owner.uid} cannot enter ${blocked}; allow it with "chmod o+x ${blocked}", choose a data folder elsewhere, start as a non-root user, or set DATABASE_URL`,
  )
}

function withCapability(owner: Owner, capability: string): RunAs {
  const flags = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    // PostgreSQL uses access(2) to check that its programs are executable, which ignores the capability without this bit.
    '--securebits=+no_setuid_fixup',
    '--',
  ]
  return {
    owner,
    spawn: (program, args, options) =>
      spawn('setpriv', [...flags, program, ...args], { ...options, cwd: '/', env: POSTGRES_ENV }),
  }
}

/**
 * Tries it instead of reading modes, because ACLs, security modules and user namespaces matter too. `initdb --show` finds its
 * programs and libraries, and writes nothing.
 */
async function canWork(candidate: RunAs, { initdb }: PostgresBinaries, probeDir: string): Promise<boolean> {
  const script = 'cd "$2" && test -w . && test -r . && exec "$1" --show --pgdata="$2/x"'
  try {
    const child = candidate.spawn('/bin/sh', ['-c', script, 'sh', initdb, probeDir], { stdio: 'ignore' })
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    return code === 0
  } catch {
    return false
  }
}

/** The owner of an existing cluster, which an unprivileged user may have created. */
async function ownerOf(clusterDir: string): Promise<Owner | undefined> {
  const info = await stat(clusterDir).catch(() => undefined)
  return info === undefined || info.uid === 0 ? undefined : { uid: info.uid, gid: info.gid }
}

async function findUnprivilegedUser(): Promise<Owner> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const fields = passwd
    .split('\n')
    .find((line) => line.startsWith('nobody:'))
    ?.split(':')
  const uid = Number(fields?.[2])
  const gid = Number(fields?.[3])
  // On macOS the uid of `nobody` is -2; spawn needs the unsigned number.
  if (Number.isInteger(uid) && uid > 0 && Number.isInteger(gid) && gid > 0) return { uid, gid }
  if (process.platform === 'darwin') {
    const { stdout } = await run('id', ['-u', 'nobody']).catch(() => ({ stdout: '' }))
    const known = Number(stdout.trim())
    if (stdout.trim() !== '' && Number.isInteger(known)) return { uid: known >>> 0, gid: known >>> 0 }
  }
  return { uid: 65534, gid: 65534 }
}

/** The first folder on the way to a path that the user cannot enter, judged by its mode. */
async function firstClosedFolder(path: string, owner: Owner): Promise<string | undefined> {
  const folders: string[] = []
  for (let dir = dirname(await realpath(path)); dir !== dirname(dir); dir = dirname(dir)) folders.unshift(dir)
  for (const dir of folders) {
    const { mode, uid, gid } = await stat(dir)
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return dir
  }
  return undefined
}
