import { readdir, readFile } from 'node:fs/promises'

/**
 * Kills what still runs below a folder of temporary files: trainers lead sessions of their own, so that they outlive a runner,
 * and do not go with the worker's group. They are found by the environment of the shell that watches them, which no trainer
 * in a sandbox can change; with it everything in the sandbox ends. Linux only: elsewhere there is no /proc.
 */
export async function killStrays(dir: string): Promise<number> {
  let killed = 0
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')
    if (!environment.split('\0').some((variable) => variable.startsWith(`WORK_DIR=${dir}/`))) continue
    try {
      process.kill(Number(name), 'SIGKILL')
      killed++
    } catch {
      // It was faster.
    }
  }
  return killed
}
