import { readdir, readFile } from 'node:fs/promises'

/** The process id of the kubelet, when this machine is the node. */
export async function findKubelet(): Promise<number | undefined> {
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const [program = '', first = '', ...rest] = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split(
      '\0',
    )
    const isKubelet =
      program.endsWith('/kubelet') || program === 'kubelet' || (/kube$/.test(program) && first === 'kubelet')
    if (isKubelet && rest.includes('--kubeconfig')) return Number(name)
  }
  return undefined
}
