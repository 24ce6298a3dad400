import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { processIdentity } from '../../system/process-identity.ts'
import { findBinaries } from './binaries.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './start-embedded-postgres.ts'

const isRoot = process.getuid?.() === 0
const hasSetpriv = process.platform === 'linux' && succeeds('setpriv', ['--version'])

describe('the embedded PostgreSQL', () => {
  const dirs: string[] = []
  const servers: EmbeddedPostgres[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop()
    for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
  })

  async function newDir(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-postgres-test-'))
    dirs.push(dir)
    return dir
  }
  async function start(dataDir: string, options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}) {
    const server = await startEmbeddedPostgres({ dataDir, ...options })
    servers.push(server)
    return server
  }

  // Preparing a cluster takes seconds, copying one does not.
  let template: string
  beforeAll(async () => {
    template = await mkdtemp(join(tmpdir(), 'trainyard-postgres-template-'))
    await (await startEmbeddedPostgres({ dataDir: template })).stop()
  })
  afterAll(async () => {
    await rm(template, { recursive: true, force: true })
  })
  async function preparedDir(): Promise<string> {
    const dir = await newDir()
    execFileSync('cp', ['-a', `${template}/.`, dir])
    return dir
  }

  it('keeps its data after a restart, and reports that it prepares a cluster only once', async () => {
    const dataDir = await newDir()
    const progress: string[] = []
    const first = await start(dataDir, { onProgress: (text) => progress.push(text) })
    await query(first.url, 'create table t as select 7 as n')
    await first.stop()
    expect(await processIdentity(first.pid)).toBeUndefined()
    const second = await start(dataDir, { onProgress: (text) => progress.push(text) })
    expect(second.adopted).toBe(false)
    expect(await query(second.url, 'select n from t')).toEqual([{ n: 7 }])
    expect(progress.length).toBe(1)
  })

  it('listens only on 127.0.0.1, requires its password, and keeps it in a file of mode 600', async () => {
    const dataDir = await preparedDir()
    const { url } = await start(dataDir)
    expect(new URL(url).hostname).toBe('127.0.0.1')
    expect(await query(url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
    expect(await query(url, 'show fsync')).toEqual([{ fsync: 'on' }])
    await expect(query(url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toMatchObject({ code: '28P01' })
    expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600)
    expect((await readdir(dataDir)).sort()).toEqual(['cluster', 'password', 'server.log'])
  })

  it('outlives a killed process, and is adopted by the next one', async () => {
    const dataDir = await preparedDir()
    const child = startInChild(dataDir)
    const { pid, url } = await firstLine(child)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    const server = await start(dataDir)
    expect(server).toMatchObject({ adopted: true, pid, url })
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('starts once when it is started twice at the same time', async () => {
    const dataDir = await newDir()
    const both = await Promise.all([start(dataDir), start(dataDir)])
    expect(both.map(({ adopted }) => adopted).sort()).toEqual([false, true])
    expect(both[0].pid).toBe(both[1].pid)
  })

  it('recovers after its server was killed', async () => {
    const dataDir = await preparedDir()
    const first = await start(dataDir)
    await query(first.url, 'create table t as select 7 as n')
    process.kill(first.pid, 'SIGKILL')
    const second = await start(dataDir)
    expect(second.adopted).toBe(false)
    expect(await query(second.url, 'select n from t')).toEqual([{ n: 7 }])
  })

  it('starts when another program has the pid in postmaster.pid', async () => {
    const dataDir = await preparedDir()
    const first = await start(dataDir)
    const pidFile = join(dataDir, 'cluster', 'postmaster.pid')
    const text = await readFile(pidFile, 'utf8')
    await first.stop()
    // The process of this test is the other program.
    await writeFile(pidFile, text.replace(/^\d+/, String(process.pid)), { mode: 0o600 })
    if (isRoot) execFileSync('chown', ['--reference', join(dataDir, 'cluster'), pidFile])
    const second = await start(dataDir)
    expect(second.adopted).toBe(false)
    expect(second.pid).not.toBe(process.pid)
  })

  it('prepares a cluster after an earlier attempt was interrupted', async () => {
    const dataDir = await newDir()
    await mkdir(join(dataDir, 'cluster.interrupted'))
    await writeFile(join(dataDir, 'cluster.interrupted', 'PG_VERSION'), '18')
    await start(dataDir)
    expect((await readdir(dataDir)).sort()).toEqual(['cluster', 'password', 'server.log'])
  })

  it('tells what to do when the password of its cluster is missing', async () => {
    const dataDir = await preparedDir()
    await (await start(dataDir)).stop()
    await rm(join(dataDir, 'password'))
    await expect(start(dataDir)).rejects.toThrow(/password.*restore it.*or remove/)
  })

  it('creates the library links of a disabled install script, also in folders that are closed to others', async () => {
    const closed = await newDir()
    const binaries = await copyWithoutLinks(join(closed, 'package'))
    expect((await stat(closed)).mode & 0o077).toBe(0)
    const { linkLibraries } = await import('./binaries.ts')
    await linkLibraries(join(closed, 'package', 'native'))
    const dataDir = join(closed, 'deep', 'data')
    const { url } = await start(dataDir, { binaries })
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    await servers.pop()?.stop()
  })

  it.skipIf(!isRoot)('continues the cluster of an unprivileged user when root starts it (needs root)', async () => {
    const dataDir = await preparedDir()
    // uid 1 has a name on every system, which initdb needs.
    execFileSync('chown', ['-R', '1:1', dataDir])
    const { url } = await start(dataDir)
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect((await stat(join(dataDir, 'cluster', 'postmaster.pid'))).uid).toBe(1)
    expect((await stat(join(dataDir, 'server.log'))).uid).toBe(1)
  })

  it.skipIf(!isRoot || !hasSetpriv)(
    'names the closed folder and the solutions when root lacks the capability to enter it (needs root and setpriv)',
    async () => {
      const closed = await newDir()
      const child = startInChild(join(closed, 'data'), [
        'setpriv',
        '--bounding-set=-dac_read_search,-dac_override',
        '--',
      ])
      const errors: string[] = []
      child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
      await new Promise((resolve) => child.once('close', resolve))
      expect(errors.join('')).toContain(`ConfigError`)
      expect(errors.join('')).toContain(`chmod o+x ${closed}`)
      expect(errors.join('')).toContain('DATABASE_URL')
    },
  )
})

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

function startInChild(dataDir: string, before: string[] = []): ChildProcess {
  const module = fileURLToPath(new URL('./start-embedded-postgres.ts', import.meta.url))
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(module)}
    const { pid, url } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} })
    console.log(JSON.stringify({ pid, url }))
    setInterval(() => {}, 1000)`
  const command = [...before, process.execPath, '--conditions=trainyard-source', '--input-type=module', '-e', script]
  return spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function firstLine(child: ChildProcess): Promise<{ pid: number; url: string }> {
  for await (const chunk of child.stdout ?? []) return JSON.parse(String(chunk)) as { pid: number; url: string }
  throw new Error('The child printed nothing')
}

async function copyWithoutLinks(target: string) {
  const { postgres } = await findBinaries()
  const source = dirname(dirname(postgres))
  await cp(source, join(target, 'native'), {
    recursive: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink(),
  })
  return { initdb: join(target, 'native/bin/initdb'), postgres: join(target, 'native/bin/postgres') }
}

function succeeds(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
