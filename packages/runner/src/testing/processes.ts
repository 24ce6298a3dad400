import { readdir, readFile } from 'node:fs/promises'

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

/** False when it had ended by itself meanwhile. */
export function killProcess(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
