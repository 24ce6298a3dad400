import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import { ignoringNotFound, MERGE_PATCH, statusCode, withRetries } from './client.ts'
import type { Cluster } from './cluster.ts'
import { attemptLabels, attemptName } from './names.ts'
import { type AttemptManifests, ownedBy } from './spec.ts'

/**
 * Creates the objects of an attempt that do not exist yet. Secret and NetworkPolicy first: the pod must find its token, and
 * must never run without its policy.
 */
export async function createAttempt(
  cluster: Cluster,
  request: LaunchRequest,
  manifests: AttemptManifests,
): Promise<void> {
  const { client, config, instance } = cluster
  const { namespace } = config
  const target = { name: attemptName(instance, request), namespace }
  const existing = await ignoringNotFound(() => client.batch.readNamespacedJob(target))
  if (existing !== undefined) return requireOurs(existing.metadata?.labels, cluster, request)
  const { secret, networkPolicy } = manifests
  await ignoringConflict(() => client.core.createNamespacedSecret({ namespace, body: secret }))
  await ignoringConflict(() => client.networking.createNamespacedNetworkPolicy({ namespace, body: networkPolicy }))
  await ignoringConflict(() => client.batch.createNamespacedJob({ namespace, body: manifests.job }))
  const job = await withRetries(() => client.batch.readNamespacedJob(target))
  requireOurs(job.metadata?.labels, cluster, request)
  const body = { metadata: { ownerReferences: [ownedBy(job)] } }
  await ignoringNotFound(() => client.core.patchNamespacedSecret({ ...target, body }, MERGE_PATCH))
  await ignoringNotFound(() => client.networking.patchNamespacedNetworkPolicy({ ...target, body }, MERGE_PATCH))
}

async function ignoringConflict(create: () => Promise<unknown>): Promise<void> {
  try {
    await withRetries(create)
  } catch (error) {
    if (statusCode(error) !== 409) throw error
  }
}

/** Our Jobs have these labels. One with the same name and other labels was created by hand. */
function requireOurs(labels: Record<string, string> | undefined, { instance }: Cluster, ref: AttemptRef): void {
  for (const [name, value] of Object.entries(attemptLabels(instance, ref)))
    if (labels?.[name] !== value)
      throw new Error(
        `the Job ${attemptName(instance, ref)} exists with the label ${name}="${labels?.[name] ?? ''}", expected "${value}"`,
      )
}
