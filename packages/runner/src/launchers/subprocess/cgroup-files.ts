/** The files of a group that set its limits. Pure, for both versions of the kernel's interface. */
export function cgroupFiles(
  version: 1 | 2,
  memoryMb: number | undefined,
  maxProcesses: number,
): [file: string, text: string][] {
  const processes: [string, string][] = version === 2 ? [['pids.max', String(maxProcesses)]] : []
  if (memoryMb === undefined) return processes
  const bytes = String(memoryMb * 1024 ** 2)
  if (version === 1)
    return [
      ['memory.limit_in_bytes', bytes],
      // Memory and swap together. The file does not exist where swap is not accounted for.
      ['memory.memsw.limit_in_bytes', bytes],
    ]
  return [
    ['memory.max', bytes],
    // With swap, a trainer above its limit would only slow down.
    ['memory.swap.max', '0'],
    ...processes,
  ]
}
