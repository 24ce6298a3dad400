import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosLauncher } from './chaos-launcher.ts'

const VICTIM = 'Temporal'
const START_MS = 60_000
const MAX_DOWN_MS = 3000

/**
 * The same run with Temporal as the orchestrator, whose server is killed, too. It keeps its workflows in a file.
 *
 * @param cli path of Temporal's command line program, which contains a server
 */
export async function withTemporal(launcher: ChaosLauncher, cli: string): Promise<ChaosLauncher> {
  const port = await freePort()
  let server: ChildProcess | undefined
  let dir = ''
  const start = async () => {
    const args = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port)]
    const file = ['--db-filename', join(dir, 'temporal.db'), '--log-level', 'never']
    server = spawn(cli, [...args, ...file], { stdio: 'ignore' })
    await once(server, 'spawn')
  }
  const kill = async () => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }
  const isHealthy = async () => {
    const health = spawn(cli, ['operator', 'cluster', 'health', '--address', `127.0.0.1:${port}`], { stdio: 'ignore' })
    const [code] = await once(health, 'exit')
    return code === 0
  }
  return {
    ...launcher,
    settings: { ...launcher.settings, temporal: `127.0.0.1:${port}` },
    victims: [...(launcher.victims ?? []), [VICTIM, 2]],
    async open(folder) {
      await launcher.open?.(folder)
      dir = folder
      await start()
      const endsAt = performance.now() + START_MS
      while (!(await isHealthy())) {
        if (performance.now() > endsAt)
          throw new Error(`Temporal did not start within ${START_MS / 1000} seconds: ${cli}`)
        await sleep(200)
      }
    },
    async killVictim(victim) {
      if (victim === VICTIM) {
        await kill()
        return { withinMs: MAX_DOWN_MS, restore: start }
      }
      if (launcher.killVictim === undefined) throw new Error(`${victim} cannot be killed`)
      return await launcher.killVictim(victim)
    },
    async close(scene) {
      await launcher.close?.(scene)
      await kill()
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
