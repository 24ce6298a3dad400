import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChaosRunnerSettings } from './chaos-runner.ts'

/** What of one run a launcher is shown. */
export interface ChaosScene {
  /** The run's own folder. */
  dir: string
  /** Names the run's database: only what carries its name is touched. */
  instanceId: string
}

/** What chaos has to know of a launcher: how to kill a trainer behind its back, and what must not be left at the end. */
export interface ChaosLauncher {
  settings: Pick<ChaosRunnerSettings, 'launcher' | 'sandbox' | 'image' | 'docker' | 'kubernetes' | 'places'>
  /** The address of this machine that trainers reach. Default: loopback. */
  address?: string
  /** How many jobs are under way at a time, unless the run says it. */
  underWay?: number
  /** What only this launcher has beside runners, trainers and the database, and how often it is killed. */
  others?: readonly [victim: string, share: number][]
  killOther?(victim: string, scene: ChaosScene, random: () => number): Promise<void>
  /** The folder that attempts share, as this machine sees it. */
  sharedDir(dir: string): string
  /** Before the first runner starts. */
  open?(dir: string): Promise<void>
  /** Ends one running trainer as its machine would, not as the platform does. Says which, or undefined when none runs. */
  killTrainer(scene: ChaosScene, random: () => number): Promise<string | undefined>
  /** Processes, containers, pods, folders of attempts. */
  leftovers(scene: ChaosScene): Promise<string[]>
  /** After the last runner: whatever happened, nothing of the run stays. */
  close?(scene: ChaosScene): Promise<void>
}

/** Processes of this machine. */
export function subprocessChaos(sandbox: ChaosRunnerSettings['sandbox']): ChaosLauncher {
  return {
    settings: { launcher: 'subprocess', sandbox },
    sharedDir: (dir) => join(dir, 'data', 'datasets'),
    async killTrainer({ dir }, random) {
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
    async leftovers({ dir }) {
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
  const isOurs = (one: string) => one.startsWith(`WORK_DIR=${dir}/`)
  return (await findProcesses((variables) => variables.some(isOurs))).map(({ pid, command, variables }) => ({
    ...{ pid, command },
    workDir: (variables.find(isOurs) ?? '').slice('WORK_DIR='.length),
  }))
}

/** Processes of this machine by the variables that they were started with. */
export async function findProcesses(
  is: (variables: readonly string[]) => boolean,
): Promise<{ pid: number; command: string; variables: readonly string[] }[]> {
  const found: { pid: number; command: string; variables: readonly string[] }[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const variables = (await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')).split('\0')
    if (!is(variables)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (command !== '') found.push({ pid: Number(name), command, variables })
  }
  return found
}
