import { execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** How long something that watches over the kubelet has to start it again before this does. */
const OTHERS_START_IT_MS = 1000

/** The process id of a server of the cluster, when this machine runs it. */
async function findServer(name: 'kubelet' | 'apiserver'): Promise<number | undefined> {
  const own = name === 'kubelet' ? 'kubelet' : 'kube-apiserver'
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue
    const [program = '', first = '', ...rest] = await commandOf(Number(pid))
    // Also as a part of one program that holds them all.
    const isIt = program === own || program.endsWith(`/${own}`) || (/kube$/.test(program) && first === name)
    if (isIt && [first, ...rest].some((one) => one.startsWith('--'))) return Number(pid)
  }
  return undefined
}

/**
 * Kills the kubelet of this machine as a crash would, and gives what starts it again: the command in `TEST_KUBELET_START`,
 * whatever watches over it, or else its own command line. Undefined when this machine is no node.
 */
export async function killKubelet(): Promise<(() => Promise<void>) | undefined> {
  const pid = await findServer('kubelet')
  if (pid === undefined) return undefined
  const [command, cwd, environment, program, log] = await Promise.all([
    commandOf(pid),
    readlink(`/proc/${pid}/cwd`),
    readFile(`/proc/${pid}/environ`, 'utf8'),
    readlink(`/proc/${pid}/exe`),
    readlink(`/proc/${pid}/fd/2`),
  ])
  process.kill(pid, 'SIGKILL')
  // Until its parent has taken note: whoever looks by its number would think that it lives.
  for (let waits = 0; existsSync(`/proc/${pid}`) && waits < 1000; waits++) await sleep(10)
  return async () => {
    await startAgain()
    for (let waits = 0; (await findServer('kubelet')) === undefined; waits++) {
      if (waits === 100) throw new Error('the kubelet did not come back')
      await sleep(100)
    }
  }

  async function startAgain() {
    const start = process.env.TEST_KUBELET_START
    if (start !== undefined) return void (await promisify(execFile)('sh', ['-c', start]))
    await sleep(OTHERS_START_IT_MS)
    if ((await findServer('kubelet')) !== undefined) return
    const variables = environment.split('\0').filter((one) => one.includes('='))
    const env = Object.fromEntries(
      variables.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
    )
    const output = openSync(log.startsWith('/') ? log : '/dev/null', 'a')
    const [argv0 = program, ...args] = command
    spawn(program, args, { argv0, cwd, env, detached: true, stdio: ['ignore', output, output] }).unref()
    closeSync(output)
  }
}

/** A server that answers nobody and comes back as it was. */
export async function pauseServer(name: 'kubelet' | 'apiserver'): Promise<(() => Promise<void>) | undefined> {
  const pid = await findServer(name)
  if (pid === undefined) return undefined
  process.kill(pid, 'SIGSTOP')
  return async () => void process.kill(pid, 'SIGCONT')
}

async function commandOf(pid: number): Promise<string[]> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return line.replace(/\0$/, '').split('\0')
}
