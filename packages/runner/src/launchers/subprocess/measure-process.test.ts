import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseDevices, sumDevices } from './gpu-use.ts'
import { measureTree, type ProcessUse, parseStat } from './measure-process.ts'

describe('the use of a tree of processes', () => {
  it('adds up everything below its root, and ends where the tree changed into a circle', () => {
    const use = (parent: number): ProcessUse => ({ parent, cpuSeconds: 1, memoryBytes: 10 })
    const processes = new Map([
      [2, use(1)],
      [3, use(2)],
      [4, use(3)],
      [5, use(1)],
      [6, use(7)],
      [7, use(6)],
    ])
    expect(measureTree(processes, 2)).toEqual({ cpuSeconds: 3, memoryBytes: 30 })
    expect(measureTree(processes, 6)).toEqual({ cpuSeconds: 2, memoryBytes: 20 })
    expect(measureTree(processes, 99)).toBeUndefined()
  })

  it.skipIf(process.platform !== 'linux')('reads what the kernel writes', async () => {
    const own = parseStat(await readFile('/proc/self/stat', 'utf8'))
    expect(own?.parent).toBe(process.ppid)
    expect(own?.memoryBytes).toBeGreaterThan(10e6)
  })

  it('counts fields after the last parenthesis, because a process chooses its name', () => {
    const fields = [
      'S',
      42,
      ...Array.from({ length: 9 }, () => 0),
      100,
      200,
      300,
      400,
      ...Array.from({ length: 6 }, () => 0),
      5,
    ]
    expect(parseStat(`7 (a) R 1 (b)) ${fields.join(' ')} 0`)).toEqual({
      parent: 42,
      cpuSeconds: 10,
      memoryBytes: 5 * 4096,
    })
    expect(parseStat('')).toBeUndefined()
    expect(parseStat('7 (x) S 1')).toBeUndefined()
  })
})

describe('the use of GPUs', () => {
  const text = '0, GPU-aa, 90, 1000\n1, GPU-bb, [N/A], 24\n2, GPU-cc, 30, [N/A]\nNVIDIA-SMI has failed\n'
  it('is that of the assigned devices, by number or by id', () => {
    const devices = parseDevices(text)
    expect(devices).toHaveLength(3)
    expect(sumDevices(devices, ['0', 'GPU-cc'])).toEqual({ gpuPercent: 60, gpuMemoryBytes: 1000 * 1024 ** 2 })
    expect(sumDevices(devices, ['1'])).toEqual({ gpuPercent: undefined, gpuMemoryBytes: 24 * 1024 ** 2 })
    expect(sumDevices(devices, ['7'])).toBeUndefined()
    expect(sumDevices([], ['0'])).toBeUndefined()
  })
})
