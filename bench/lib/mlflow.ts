import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface MlflowServer {
  url: string
  pid: number
  stop(): Promise<void>
}

/** MLflow's tracking server over a PostgreSQL, or undefined where the program `mlflow` is not in the PATH. */
export async function startMlflow(databaseUrl: string, dir: string): Promise<MlflowServer | undefined> {
  if (spawnSync('mlflow', ['--version']).status !== 0) {
    console.error('no program "mlflow" in the PATH (pip install mlflow psycopg2-binary): the peer is left out')
    return undefined
  }
  const port = await freePort()
  const store = databaseUrl.replace(/^postgres:/, 'postgresql+psycopg2:')
  const args = ['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '2']
  const child = spawn('mlflow', [...args, '--backend-store-uri', store, '--artifacts-destination', dir], {
    stdio: 'ignore',
    detached: true,
    // As it comes, twenty clients exhaust its pool of fifteen connections and it answers with errors after 30 s.
    env: { ...process.env, MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: '20', MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: '20' },
  })
  const url = `http://127.0.0.1:${port}`
  try {
    await waitUntilHealthy(url, child)
  } catch (error) {
    await stop(child)
    throw error
  }
  return { url, pid: child.pid ?? 0, stop: () => stop(child) }
}

async function waitUntilHealthy(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`mlflow ended with ${child.exitCode}`)
    const isHealthy = await fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    )
    if (isHealthy) return
    await sleep(200)
  }
  throw new Error('mlflow was not ready within two minutes')
}

/** With its workers: it was started in a process group of its own. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGTERM')
  const insist = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), 10_000)
  await ended
  clearTimeout(insist)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Peak memory of a process and of all it started, in megabytes; Linux only. */
export function peakMegabytes(pid: number): number {
  try {
    const own = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
    return children.reduce((sum, child) => sum + peakMegabytes(Number(child)), own)
  } catch {
    return 0
  }
}
