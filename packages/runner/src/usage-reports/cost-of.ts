import type { Prices } from '../config/prices.ts'

export interface Used {
  queue: string
  gpu_seconds: number
  cpu_seconds: number
  storage_byte_seconds: number
  uploaded_bytes: number
  downloaded_bytes: number
}

const HOUR = 3600
const MONTH = 730 * HOUR

/** The price of what was used in one queue. */
export function costOf(prices: Prices, used: Used): number {
  const ofQueue = Object.hasOwn(prices.queues, used.queue) ? prices.queues[used.queue] : undefined
  return (
    (used.gpu_seconds / HOUR) * (ofQueue?.gpuHour ?? prices.gpuHour ?? 0) +
    (used.cpu_seconds / HOUR) * (ofQueue?.cpuHour ?? prices.cpuHour ?? 0) +
    (used.storage_byte_seconds / 1e9 / MONTH) * (prices.storageGbMonth ?? 0) +
    (used.uploaded_bytes / 1e9) * (prices.uploadGb ?? 0) +
    (used.downloaded_bytes / 1e9) * (prices.downloadGb ?? 0)
  )
}
