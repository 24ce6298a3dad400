import { z } from 'zod'

const Quantity = z.number().positive()

const Toleration = z.strictObject({
  key: z.string().exactOptional(),
  operator: z.enum(['Exists', 'Equal']).exactOptional(),
  value: z.string().exactOptional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional(),
  tolerationSeconds: z.number().int().nonnegative().exactOptional(),
})

/** What pods of some trainers get beside what their manifest asks for. */
export const Profile = z.strictObject({
  /** For what the manifest leaves open. `cpu` in cores, is requested and not limited. */
  resources: z
    .strictObject({
      cpu: Quantity.optional(),
      memoryMb: Quantity.int().optional(),
      shmMb: z.number().int().nonnegative().optional(),
      diskGb: Quantity.optional(),
    })
    .optional(),
  nodeSelector: z.record(z.string(), z.string()).optional(),
  tolerations: z.array(Toleration).optional(),
  runtimeClassName: z.string().min(1).optional(),
  priorityClassName: z.string().min(1).optional(),
  /** The name under which a GPU is asked for. Default: `nvidia.com/gpu`. */
  gpuResource: z.string().min(1).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})
export type Profile = z.infer<typeof Profile>

/** Profiles by need: `default` for all, then `gpu` for jobs that ask for one, then the framework's; the later one wins. */
export const Profiles = z.strictObject({
  default: Profile.optional(),
  gpu: Profile.optional(),
  frameworks: z.record(z.string(), Profile).optional(),
})
export type Profiles = z.infer<typeof Profiles>

/** The profile for one job. Maps are joined, lists of tolerations added up, single values replaced. */
export function profileFor(profiles: Profiles, job: { framework: string; gpu: number }): Profile {
  const parts = [profiles.default, job.gpu > 0 ? profiles.gpu : undefined, profiles.frameworks?.[job.framework]]
  let merged: Profile = {}
  for (const part of parts) {
    if (part === undefined) continue
    merged = {
      ...merged,
      ...part,
      resources: { ...merged.resources, ...part.resources },
      nodeSelector: { ...merged.nodeSelector, ...part.nodeSelector },
      tolerations: [...(merged.tolerations ?? []), ...(part.tolerations ?? [])],
      labels: { ...merged.labels, ...part.labels },
      annotations: { ...merged.annotations, ...part.annotations },
    }
  }
  return merged
}
