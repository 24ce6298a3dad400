import { z } from 'zod'

const Quantity = z.number().positive()

const Toleration = z.strictObject({
  key: z.string().exactOptional(),
  operator: z.enum(['Exists', 'Equal']).exactOptional(),
  value: z.string().exactOptional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional(),
  tolerationSeconds: z.number().int().nonnegative().exactOptional(),
})

/** Settings for the pods of some trainers, in addition to their manifests. */
export const Profile = z.strictObject({
  /** Defaults for what the manifest does not set. `cpu` is in cores; it is requested, but not limited. */
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
  /** Resource name of a GPU. Default: `nvidia.com/gpu`. */
  gpuResource: z.string().min(1).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})
export type Profile = z.infer<typeof Profile>

/** `default` applies to all jobs, then `gpu` to jobs that request one, then the framework's. Later ones take precedence. */
export const Profiles = z.strictObject({
  default: Profile.optional(),
  gpu: Profile.optional(),
  frameworks: z.record(z.string(), Profile).optional(),
})
export type Profiles = z.infer<typeof Profiles>

/** The profile for one job. Maps are merged, lists of tolerations concatenated, single values replaced. */
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
