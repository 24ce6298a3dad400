import { readdir, readFile } from 'node:fs/promises'

export interface FoundProcess {
  pid: number
  /** The command line, as in /proc: arguments are separated by NUL. */
  command: string
  /** The environment, as `NAME=value`. */
  variables: readonly string[]
}

/** Finds processes of this machine by their environment. */
export async function findProcesses(matches: (variables: readonly string[]) => boolean): Promise<FoundProcess[]> {
  const found: FoundProcess[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const variables = (await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')).split('\0')
    if (!matches(variables)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (command !== '') found.push({ pid: Number(name), command, variables })
  }
  return found
}

/** False: the process had already ended. */
export function killProcess(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
