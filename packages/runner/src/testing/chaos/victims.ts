import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChaosRunnerSettings } from './chaos-runner.ts'

/** What chaos has to know of a launcher: how to kill a trainer behind its back, and what must not be left at the end. */
export interface ChaosLauncher {
  settings: Pick<ChaosRunnerSettings, 'launcher' | 'sandbox'>
  /** Ends one running trainer as its machine would, not as the platform does. Says which, or undefined when none runs. */
  killTrainer(dir: string, random: () => number): Promise<string | undefined>
  /** Processes, containers, pods, folders of attempts. */
  leftovers(dir: string): Promise<string[]>
}

/** Processes of this machine. */
export function subprocessChaos(sandbox: ChaosRunnerSettings['sandbox']): ChaosLauncher {
  return {
    settings: { launcher: 'subprocess', sandbox },
    async killTrainer(dir, random) {
      const trainers = (await processesOf(dir)).filter(({ command }) => command.includes('train.mjs'))
      // Not the shells and sandboxes around it, which have its command among their arguments.
      const own = trainers.filter(({ command }) => !/^(\/bin\/sh|bwrap)\0/.test(command))
      const victim = own[Math.floor(random() * own.length)]
      if (victim === undefined) return undefined
      try {
        process.kill(victim.pid, 'SIGKILL')
      } catch {
        return undefined
      }
      return victim.workDir.split('/').at(-2)
    },
    async leftovers(dir) {
      const left = (await processesOf(dir)).map(
        ({ pid, command }) => `process ${pid}: ${command.replaceAll('\0', ' ')}`,
      )
      for (const instance of await readdir(join(dir, 'data', 'attempts')).catch(() => []))
        for (const name of await readdir(join(dir, 'data', 'attempts', instance)))
          if (name.startsWith('trainyard-')) left.push(`folder ${name}`)
      return left
    },
  }
}

/** Everything that runs with a WORK_DIR under this folder. */
async function processesOf(dir: string): Promise<{ pid: number; command: string; workDir: string }[]> {
  const found: { pid: number; command: string; workDir: string }[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')
    const workDir = environment.split('\0').find((one) => one.startsWith(`WORK_DIR=${dir}/`))
    if (workDir === undefined) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (command !== '') found.push({ pid: Number(name), command, workDir: workDir.slice('WORK_DIR='.length) })
  }
  return found
}
