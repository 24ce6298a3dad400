import { z } from 'zod'
import type { ResourceUse } from '../launcher.ts'

/** The parts of the engine's statistics that are used. Fields are absent for a container that is not running. */
const Stats = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }).optional() }).optional(),
  memory_stats: z
    .object({
      usage: z.number().optional(),
      stats: z.object({ inactive_file: z.number().optional(), total_inactive_file: z.number().optional() }).optional(),
    })
    .optional(),
})

/** CPU time and memory from the engine's statistics. Undefined: the container is not running. */
export function useOfStats(answer: unknown): ResourceUse | undefined {
  const stats = Stats.safeParse(answer).data
  const usage = stats?.memory_stats?.usage
  const nanos = stats?.cpu_stats?.cpu_usage?.total_usage
  if (usage === undefined || nanos === undefined) return undefined
  const { inactive_file: file, total_inactive_file: legacyFile } = stats?.memory_stats?.stats ?? {}
  // As `docker stats` shows it: without files that were read and can be dropped at any time.
  return { cpuSeconds: nanos / 1e9, memoryBytes: Math.max(0, usage - (legacyFile ?? file ?? 0)) }
}
