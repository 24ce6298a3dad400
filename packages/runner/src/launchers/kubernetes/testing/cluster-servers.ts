import { execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** How long a supervisor of the kubelet, if there is one, has to start it again. */
const SUPERVISOR_WAIT_MS = 1000

/** The process id of a server of the cluster. Undefined: it does not run on this machine. */
async function findServer(name: 'kubelet' | 'apiserver'): Promise<number | undefined> {
  const ownProgram = name === 'kubelet' ? 'kubelet' : 'kube-apiserver'
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue
    const [program = '', first = '', ...rest] = await commandOf(Number(pid))
    // It can be a subcommand of one program for all servers.
    const isServer =
      program === ownProgram || program.endsWith(`/${ownProgram}`) || (/kube$/.test(program) && first === name)
    if (isServer && [first, ...rest].some((argument) => argument.startsWith('--'))) return Number(pid)
  }
  return undefined
}

/**
 * Kills the kubelet of this machine, like a crash. Returns a function that waits until it runs again, started by the command
 * in `TEST_KUBELET_START`, by its supervisor, or by its own command line. Undefined: this machine is not a node.
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
  // Until its parent has reaped it. Before that, its process id still exists.
  for (let waits = 0; existsSync(`/proc/${pid}`) && waits < 1000; waits++) await sleep(10)
  return async () => {
    await startAgain()
    for (let waits = 0; (await findServer('kubelet')) === undefined; waits++) {
      if (waits === 100) throw new Error('the kubelet did not start again')
      await sleep(100)
    }
  }

  async function startAgain() {
    const start = process.env.TEST_KUBELET_START
    if (start !== undefined) return void (await promisify(execFile)('sh', ['-c', start]))
    await sleep(SUPERVISOR_WAIT_MS)
    if ((await findServer('kubelet')) !== undefined) return
    const variables = environment.split('\0').filter((variable) => variable.includes('='))
    const env = Object.fromEntries(
      variables.map((variable) => [
        variable.slice(0, variable.indexOf('=')),
        variable.slice(variable.indexOf('=') + 1),
      ]),
    )
    const output = openSync(log.startsWith('/') ? log : '/dev/null', 'a')
    const [argv0 = program, ...args] = command
    spawn(program, args, { argv0, cwd, env, detached: true, stdio: ['ignore', output, output] }).unref()
    closeSync(output)
  }
}

/** Suspends a server. Returns a function that resumes it. Undefined: it does not run on this machine. */
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
