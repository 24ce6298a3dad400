import { readdir } from 'node:fs/promises'

/** The number of GPUs that the driver of NVIDIA offers to processes of this machine. */
export async function countGpus(): Promise<number> {
  const devices = await readdir('/dev').catch(() => [])
  return devices.filter((name) => /^nvidia\d+$/.test(name)).length
}
