import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findProcesses, killProcess } from '../processes.ts'
import type { ChaosLauncher } from './chaos-launcher.ts'
import type { ChaosRunnerSettings } from './chaos-runner.ts'

/** Trainers are processes of this machine. */
export function subprocessChaos(sandbox: ChaosRunnerSettings['sandbox']): ChaosLauncher {
  return {
    settings: { launcher: 'subprocess', sandbox },
    async killTrainer({ dir }, random) {
      const related = (await processesOf(dir)).filter(({ command }) => command.includes('train.mjs'))
      // Without the shells and sandboxes around them, whose arguments contain the command.
      const trainers = related.filter(({ command }) => !/^(\/bin\/sh|bwrap)\0/.test(command))
      const victim = trainers[Math.floor(random() * trainers.length)]
      if (victim === undefined) return undefined
      const signal = random() < 0.25 ? 'SIGTERM' : 'SIGKILL'
      if (!killProcess(victim.pid, signal)) return undefined
      return { how: `process ${signal}`, attempt: victim.tokenFile.split('/').at(-3) ?? '' }
    },
    async leftovers({ dir }) {
      const processes = (await processesOf(dir)).map(
        ({ pid, command }) => `process ${pid}: ${command.replaceAll('\0', ' ')}`,
      )
      return [...processes, ...(await foldersOf(dir))]
    },
  }
}

/** Processes that read a token in this folder. */
async function processesOf(dir: string): Promise<{ pid: number; command: string; tokenFile: string }[]> {
  const prefix = `CALLBACK_TOKEN_FILE=${dir}/`
  const isOurs = (variable: string) => variable.startsWith(prefix)
  return (await findProcesses((variables) => variables.some(isOurs))).map(({ pid, command, variables }) => ({
    pid,
    command,
    tokenFile: (variables.find(isOurs) ?? '').slice('CALLBACK_TOKEN_FILE='.length),
  }))
}

async function foldersOf(dir: string): Promise<string[]> {
  const attempts = join(dir, 'data', 'attempts')
  const folders: string[] = []
  for (const instance of await readdir(attempts).catch(() => []))
    for (const name of await readdir(join(attempts, instance)))
      if (name.startsWith('trainyard-')) folders.push(`folder ${name}`)
  return folders
}
