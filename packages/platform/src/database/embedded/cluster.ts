import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ConfigError } from '../../errors.ts'
import type { PostgresBinaries } from './binaries.ts'
import { cannotRun, lastLines } from './failures.ts'
import type { RunAs } from './run-as.ts'

export const USER = 'trainyard'

/** The paths in the folder of a server. */
export interface ClusterFiles {
  dataDir: string
  clusterDir: string
  passwordFile: string
  logFile: string
}

export function clusterFiles(dir: string): ClusterFiles {
  const dataDir = resolve(dir)
  return {
    dataDir,
    clusterDir: join(dataDir, 'cluster'),
    passwordFile: join(dataDir, 'password'),
    logFile: join(dataDir, 'server.log'),
  }
}

export async function readPassword({ dataDir, passwordFile }: ClusterFiles): Promise<string> {
  try {
    return (await readFile(passwordFile, 'utf8')).trim()
  } catch (error) {
    throw new ConfigError(
      `The password of the PostgreSQL in ${dataDir} cannot be read (file "password"); restore it, start as the user who created it, or remove ${dataDir} to start again without its data`,
      { cause: error },
    )
  }
}

/**
 * Runs `initdb` when there is no cluster, and returns the password. The cluster is created in another folder and renamed, so
 * that an interrupted `initdb` leaves no partial cluster.
 *
 * @throws ConfigError
 */
export async function ensureCluster(
  files: ClusterFiles,
  binaries: PostgresBinaries,
  user: RunAs,
  onProgress: (text: string) => void,
): Promise<string> {
  const { dataDir, clusterDir } = files
  if (await exists(join(clusterDir, 'PG_VERSION'))) return await readPassword(files)
  onProgress('Preparing PostgreSQL (once, a few seconds)')
  await removeDrafts(dataDir)
  const password = randomBytes(24).toString('base64url')
  const draft = join(dataDir, `cluster.${randomUUID().slice(0, 8)}`)
  await writePassword(files, password, user)
  await mkdir(draft, { mode: 0o700 })
  if (user.owner !== undefined) await chown(draft, user.owner.uid, user.owner.gid)
  const { code, output } = await runInitdb(binaries, user, draft, files.passwordFile)
  if (code !== 0) {
    await rm(draft, { recursive: true, force: true })
    throw new ConfigError(
      `PostgreSQL could not be prepared in ${dataDir} (initdb exited with ${code}): ${lastLines(output)}. Correct this, or set DATABASE_URL`,
    )
  }
  await rename(draft, clusterDir)
  return password
}

/** Removes what an interrupted start has left. */
async function removeDrafts(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith('cluster.') || name.startsWith('probe.'))
      await rm(join(dataDir, name), { recursive: true, force: true })
  }
}

async function writePassword({ passwordFile }: ClusterFiles, password: string, user: RunAs): Promise<void> {
  await writeFile(passwordFile, password, { mode: 0o600 })
  // The mode above applies to new files only.
  await chmod(passwordFile, 0o600)
  if (user.owner !== undefined) await chown(passwordFile, user.owner.uid, user.owner.gid)
}

async function runInitdb(
  { initdb }: PostgresBinaries,
  user: RunAs,
  clusterDir: string,
  passwordFile: string,
): Promise<{ code: number | null; output: string }> {
  const child = user.spawn(
    initdb,
    [
      `--pgdata=${clusterDir}`,
      `--username=${USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-sync',
      '--no-instructions',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const output: string[] = []
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  const code = await new Promise<number | null>((done, reject) => {
    child.once('error', reject)
    child.once('close', done)
  }).catch((error: unknown) => cannotRun(initdb, error))
  return { code, output: output.join('') }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
