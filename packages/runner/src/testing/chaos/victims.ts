import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findProcesses, killProcess } from '../processes.ts'
import type { ChaosRunnerSettings } from './chaos-runner.ts'

/** What of one run a launcher is shown. */
export interface ChaosScene {
  /** The run's own folder. */
  dir: string
  /** Names the run's database: only what carries its name is touched. */
  instanceId: string
}

/** One trainer that was ended behind the platform's back. */
export interface Kill {
  /** In words by which kills are counted. */
  how: string
  whom: string
  /** `JOB-ATTEMPT`: whoever ended it so has only its name gone, and its process some time after. */
  mayLiveOn?: string
}

type LauncherSettings = Pick<ChaosRunnerSettings, 'launcher' | 'sandbox' | 'image' | 'docker' | 'kubernetes' | 'places'>

/** What chaos has to know of a launcher: how to kill a trainer behind its back, and what must not be left at the end. */
export interface ChaosLauncher {
  settings: LauncherSettings
  /** Settings that let trainers reach the witness, where a network policy limits them to named addresses. */
  allowWitness?(port: number): Partial<LauncherSettings>
  /** The address of this machine that trainers reach. Default: loopback. */
  address?: string
  /** How many jobs are under way at a time, unless the run says it. */
  underWay?: number
  /** How much longer its jobs take: where a start takes long, few trainings would be there to be killed. Default: 1. */
  pace?: number
  /** What only this launcher has beside runners, trainers and the database, and how often it is killed. */
  others?: readonly [victim: string, share: number][]
  /** Gives what brings it back, and within what time that has to be. */
  killOther?(victim: string): Promise<{ withinMs: number; comeBack: () => Promise<void> }>
  /** Before the first runner starts. */
  open?(dir: string): Promise<void>
  /** Ends one running trainer as its machine or a person would, not as the platform does. Undefined when none runs. */
  killTrainer(scene: ChaosScene, random: () => number): Promise<Kill | undefined>
  /** Processes, containers, pods, folders of attempts. */
  leftovers(scene: ChaosScene): Promise<string[]>
  /** After the last runner: whatever happened, nothing of the run stays. */
  close?(scene: ChaosScene): Promise<void>
}

/** Processes of this machine. */
export function subprocessChaos(sandbox: ChaosRunnerSettings['sandbox']): ChaosLauncher {
  return {
    settings: { launcher: 'subprocess', sandbox },
    async killTrainer({ dir }, random) {
      const trainers = (await processesOf(dir)).filter(({ command }) => command.includes('train.mjs'))
      // Not the shells and sandboxes around it, which have its command among their arguments.
      const own = trainers.filter(({ command }) => !/^(\/bin\/sh|bwrap)\0/.test(command))
      const victim = own[Math.floor(random() * own.length)]
      if (victim === undefined) return undefined
      const signal = random() < 0.25 ? 'SIGTERM' : 'SIGKILL'
      if (!killProcess(victim.pid, signal)) return undefined
      return { how: `process ${signal}`, whom: victim.workDir.split('/').at(-2) ?? '' }
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
