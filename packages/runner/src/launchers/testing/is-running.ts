import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Whether this machine runs a program with this argument, also in a container. */
export async function isRunning(text: string): Promise<boolean> {
  if (!existsSync('/proc/self/cmdline')) {
    const { stdout } = await promisify(execFile)('ps', ['-axww', '-o', 'args='], { maxBuffer: 64 * 1024 ** 2 })
    return stdout.split('\n').some((line) => line.endsWith(text))
  }
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    // A separate argument, because the trainer that starts it has the text in its program.
    if (line.split('\0').includes(text)) return true
  }
  return false
}
