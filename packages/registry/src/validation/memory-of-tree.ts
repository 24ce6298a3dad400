import { readdir, readFile } from 'node:fs/promises'

const PAGE_BYTES = 4096

/** The resident memory of a process and its descendants, in bytes. 0 where there is no /proc. */
export async function memoryOfTree(rootPid: number): Promise<number> {
  const children = new Map<number, number[]>()
  const resident = new Map<number, number>()
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The name of the program is in brackets and may contain anything: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const parent = Number(fields[1])
    const pages = Number(fields[21])
    if (!Number.isInteger(parent) || !Number.isFinite(pages)) continue
    resident.set(Number(name), pages * PAGE_BYTES)
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  let totalBytes = 0
  const open = [rootPid]
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    totalBytes += resident.get(pid) ?? 0
    open.push(...(children.get(pid) ?? []))
  }
  return totalBytes
}
