import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isCode } from './attempt-folder.ts'

/** A process that starts others as fast as it can needs several rounds. */
const ROUNDS = 200

/** Kills every process of an attempt's own user, those included that left its process group. For machines without control groups. */
export async function killUser(id: number): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const pids = await processesOf(id)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if (!isCode(error, 'ESRCH')) throw error
      }
    }
    await sleep(10)
  }
}

async function processesOf(id: number): Promise<number[]> {
  const pids: number[] = []
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
    const [, users = ''] = /^Uid:\s+(.*)$/m.exec(status) ?? []
    if (users.split(/\s+/).includes(String(id)) && !/^State:\s+Z/m.test(status)) pids.push(Number(name))
  }
  return pids
}
