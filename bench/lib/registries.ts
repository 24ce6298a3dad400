import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from './registry-load.ts'

export interface RunningRegistry extends Registry {
  pid: number
  stop(): Promise<void>
}

/** Ours, as `node serve.js` runs it, with its objects in a folder. The caller is the owner of the machine. */
export async function startOurs(databaseUrl: string, dir: string): Promise<RunningRegistry> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = fork(join(import.meta.dirname, 'registry-server.ts'), [], {
    execArgv: ['--conditions=trainyard-source', ...(process.env.TRAINYARD_BENCH_NODE_OPTIONS?.split(' ') ?? [])],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      DATA_DIR: dir,
      PORT: String(port),
      PUBLIC_URL: url,
      JWT_SECRET: 'a secret of the bench, long enough to sign',
      REGISTRY_PLAIN_NAMESPACES: 'plain',
      // As the peer: without a line for each request.
      LOG_LEVEL: 'warn',
      // The bench sends more than anyone may.
      RATE_LIMITS: 'off',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the registry of the bench did not start')))
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  const token = readFileSync(join(dir, 'owner-token'), 'utf8').trim()
  return {
    url,
    authorization: `Bearer ${token}`,
    pid: child.pid ?? 0,
    async stop() {
      if (!child.connected) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** Debian's `docker-registry` on its file system driver, without authentication; undefined where it is not in the PATH. */
export async function startDistribution(dir: string): Promise<RunningRegistry | undefined> {
  if (spawnSync('docker-registry', ['--version']).status !== 0) {
    console.error('no program "docker-registry" in the PATH (apt-get install docker-registry): the peer is left out')
    return undefined
  }
  const port = await freePort()
  mkdirSync(dir, { recursive: true })
  const config = [
    'version: 0.1',
    'log: {level: warn, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${JSON.stringify(join(dir, 'data'))}}, delete: {enabled: true}}`,
    `http: {addr: "127.0.0.1:${port}"}`,
  ]
  writeFileSync(join(dir, 'config.yml'), config.join('\n'))
  const child = spawn('docker-registry', ['serve', join(dir, 'config.yml')], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  await waitForAnswer(url, child)
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

async function waitForAnswer(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`)
    const answers = await fetch(`${url}/v2/`).then(
      () => true,
      () => false,
    )
    if (answers) return
    await sleep(50)
  }
  throw new Error('docker-registry did not answer within ten seconds')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const TICKS_PER_SECOND = 100

/** Processor seconds of a process and of all that it has started, also of those that have ended; Linux only. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND
    const tasks = readdirSync(`/proc/${pid}/task`)
    const children = tasks.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
    )
    return children.reduce((sum, child) => sum + cpuSeconds(Number(child)), own)
  } catch {
    return 0
  }
}
