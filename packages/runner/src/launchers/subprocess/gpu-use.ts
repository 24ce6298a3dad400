import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ResourceUse } from '../launcher.ts'

const FIELDS = ['index', 'uuid', 'utilization.gpu', 'memory.used']
/** All attempts of a pass ask once. */
const KEPT_MS = 3000
/** After a failure: the program does not exist, or the driver does not answer. */
const PAUSE_MS = 60_000

interface Device {
  index: string
  uuid: string
  /** Undefined where the device does not report it. */
  percent: number | undefined
  memoryBytes: number | undefined
}

let kept: { until: number; devices: Promise<Device[]> } | undefined

/** What devices do now, from `nvidia-smi`. Devices are named by CUDA's number or by their id. */
export async function readGpuUse(
  assigned: readonly string[],
): Promise<Pick<ResourceUse, 'gpuPercent' | 'gpuMemoryBytes'> | undefined> {
  if (kept === undefined || performance.now() > kept.until) {
    const reading = { until: performance.now() + KEPT_MS, devices: askDriver() }
    kept = reading
    reading.devices.catch(() => {
      reading.until = performance.now() + PAUSE_MS
    })
  }
  return sumDevices(await kept.devices.catch(() => []), assigned)
}

async function askDriver(): Promise<Device[]> {
  const args = [`--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader,nounits']
  const { stdout } = await promisify(execFile)('nvidia-smi', args, { timeout: 10_000 })
  return parseDevices(stdout)
}

/** Lines such as `0, GPU-5a1…, 97, 81559`, with the memory in MiB. */
export function parseDevices(text: string): Device[] {
  return text.split('\n').flatMap((line) => {
    const [index = '', uuid = '', percent = '', memory = ''] = line.split(',').map((cell) => cell.trim())
    if (!/^\d+$/.test(index)) return []
    const number = (cell: string) => (/^\d+(\.\d+)?$/.test(cell) ? Number(cell) : undefined)
    const mib = number(memory)
    return [{ index, uuid, percent: number(percent), memoryBytes: mib === undefined ? undefined : mib * 1024 ** 2 }]
  })
}

export function sumDevices(
  devices: readonly Device[],
  assigned: readonly string[],
): Pick<ResourceUse, 'gpuPercent' | 'gpuMemoryBytes'> | undefined {
  const used = devices.filter(({ index, uuid }) =>
    assigned.some((id) => id === index || (id.startsWith('GPU-') && uuid.startsWith(id))),
  )
  if (used.length === 0) return undefined
  const percents = used.flatMap(({ percent }) => percent ?? [])
  const bytes = used.flatMap(({ memoryBytes }) => memoryBytes ?? [])
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    gpuPercent: percents.length === 0 ? undefined : sum(percents) / percents.length,
    gpuMemoryBytes: bytes.length === 0 ? undefined : sum(bytes),
  }
}
