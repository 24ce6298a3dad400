import { readdir, readFile } from 'node:fs/promises'

/**
 * Kills processes that still run below a folder of temporary files. Trainers have their own sessions, so that they outlive a
 * runner, and are not killed with the worker's process group. They are found by the environment of the shell that watches
 * them, which a sandboxed trainer cannot change. Killing the shell ends everything in the sandbox. Linux only, as it needs
 * /proc.
 */
export async function killStrays(dir: string): Promise<number> {
  let killed = 0
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')
    if (!environment.split('\0').some((variable) => variable.startsWith(`CALLBACK_TOKEN_FILE=${dir}/`))) continue
    try {
      process.kill(Number(name), 'SIGKILL')
      killed++
    } catch {
      // It has ended in the meantime.
    }
  }
  return killed
}
