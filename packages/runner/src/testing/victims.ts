import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a hostile trainer wants: files, processes and servers of the platform. Plain data, except for `close`. */
export interface Victims {
  /** The platform's data folder. */
  dataDir: string
  passwordFile: string
  keyFile: string
  otherBundle: string
  ownBundle: string | undefined
  cacheFile: string
  environmentSecret: string
  processMarker: string
  pid: number
  port: number
  socket: string
  abstractSocket: string | undefined
  /** A server at an address of this machine that is not loopback. */
  machineAddress: string | undefined
  machinePort: number
  /** Whether this machine reaches the address at which clouds serve credentials. */
  hasMetadata: boolean
  /** Files in /root, /home, /opt, /mnt and /srv, as far as this user can create them. */
  canaries: string[]
  close(): Promise<void>
}

/** Creates them. The data folder is not in /tmp, because some trainers have a /tmp of their own. */
export async function makeVictims(): Promise<Victims> {
  const parent = process.env.TRAINYARD_TEST_VICTIMS_DIR ?? '/var'
  const base = await realpath(
    await mkdtemp(join(parent, 'trainyard-victims-')).catch(() => mkdtemp(join(tmpdir(), 'trainyard-victims-'))),
  )
  await chmod(base, 0o755)
  const dataDir = join(base, 'data')
  const file = async (name: string, text: string, mode: number) => {
    await mkdir(join(dataDir, name, '..'), { recursive: true })
    await writeFile(join(dataDir, name), text, { mode })
    return join(dataDir, name)
  }
  const environmentSecret = `postgres://secret-${process.pid}`
  const processMarker = `600.${process.pid}`
  const victim = spawn('sleep', [processMarker], {
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin', DATABASE_URL: environmentSecret },
  })
  const servers: Server[] = []
  const listen = async (where: { host: string; port: number } | { path: string }) => {
    const server = createServer((socket) => socket.end())
    servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(where, resolve)
    })
    return server
  }
  const loopback = await listen({ host: '127.0.0.1', port: 0 })
  const socket = join(base, 'postgres.sock')
  await listen({ path: socket })
  await chmod(socket, 0o777)
  const abstractSocket = process.platform === 'linux' ? `\0trainyard-victim-${process.pid}` : undefined
  if (abstractSocket !== undefined) await listen({ path: abstractSocket })
  const machineAddress = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  const machine = machineAddress === undefined ? loopback : await listen({ host: machineAddress, port: 0 })
  const canaries: string[] = []
  for (const dir of ['/root', '/home', '/opt', '/mnt', '/srv']) {
    const canary = join(dir, `.trainyard-canary-${process.pid}`)
    await writeFile(canary, 'canary', { mode: 0o644 }).then(
      () => canaries.push(canary),
      () => undefined,
    )
  }
  return {
    dataDir,
    passwordFile: await file('database-password', 'a secret password', 0o600),
    keyFile: await file('signing-key', 'a secret key', 0o600),
    otherBundle: await file('bundles/other/main.js', 'of another', 0o644),
    ownBundle: undefined,
    cacheFile: await file('datasets/cached', 'a dataset', 0o644),
    environmentSecret,
    processMarker,
    pid: victim.pid ?? -1,
    port: (loopback.address() as AddressInfo).port,
    socket,
    abstractSocket,
    machineAddress,
    machinePort: (machine.address() as AddressInfo).port,
    hasMetadata: await reaches('169.254.169.254', 80),
    canaries,
    async close() {
      victim.kill('SIGKILL')
      for (const server of servers) await new Promise((resolve) => server.close(resolve))
      for (const canary of canaries) await rm(canary, { force: true })
      await rm(base, { recursive: true, force: true })
    },
  }
}

async function reaches(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, host)
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.setTimeout(2000, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
