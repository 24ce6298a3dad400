import { z } from 'zod'
import { Attempt, Timestamp } from './primitives.ts'

/** What the processes of an attempt used at a moment. What the launcher cannot measure is absent. */
export const ResourceSample = z.object({
  time: Timestamp,
  cpuCores: z.number().nonnegative().optional().describe('Cores in use since the sample before'),
  memoryBytes: z.number().nonnegative().optional(),
  gpuPercent: z.number().min(0).max(100).optional().describe('Utilisation, the mean of the devices of the job'),
  gpuMemoryBytes: z.number().nonnegative().optional().describe('Of all devices of the job'),
})
export type ResourceSample = z.infer<typeof ResourceSample>

/** `GET /v1/jobs/{id}/resources?attempt=&points=` */
export const ResourceSampleList = z
  .object({
    attempt: Attempt,
    cpuSeconds: z.number().nonnegative().optional().describe('CPU time of the attempt so far'),
    samples: z.array(ResourceSample).describe('Oldest first. Of several that fall together: mean use, largest memory'),
  })
  .meta({ id: 'ResourceSampleList' })
export type ResourceSampleList = z.infer<typeof ResourceSampleList>
