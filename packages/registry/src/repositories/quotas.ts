import { OciError } from '../oci/errors.ts'
import type { RepositoryRequest } from './repository.ts'

/** What the blobs of a namespace have, each counted once, and may have. */
export interface Quota {
  namespace: string
  used: number
  allowed: number
}

/** Undefined without a limit, and for a blob that counts already because the namespace has it. */
export async function findQuota(
  { context, namespace }: Pick<RepositoryRequest, 'context' | 'namespace'>,
  digest?: string | undefined,
): Promise<Quota | undefined> {
  const allowed = context.config.namespaceBytes
  if (allowed === undefined) return undefined
  const [row] = await context.database.query<{ used: string; held: boolean | null }>(
    {
      name: 'used-bytes',
      text: `
        select coalesce(sum(size_bytes), 0)::text as used, bool_or(digest = $2) as held from blobs where digest in (
          select link.digest from repository_blobs link
          join repositories r on r.id = link.repository_id where r.namespace = $1)`,
    },
    [namespace, digest ?? ''],
  )
  return row?.held === true ? undefined : { namespace, used: Number(row?.used ?? 0), allowed }
}

/** Throws if the quota has no room for these bytes. Docker does not try again after it. */
export function requireRoom(quota: Quota | undefined, sizeBytes: number): void {
  if (quota === undefined || quota.used + sizeBytes <= quota.allowed) return
  const { namespace, used, allowed } = quota
  throw new OciError(
    'DENIED',
    `the namespace "${namespace}" uses ${used} of ${allowed} bytes, and ${sizeBytes} or more are to be added; delete what is not needed, or ask the operator for more`,
    { status: 413, detail: { used, allowed } },
  )
}

/** The same body, which is refused as soon as it is above the quota: its length need not be known before. */
export function withinQuota(
  body: AsyncIterable<Uint8Array>,
  quota: Quota | undefined,
  heldBytes = 0,
): AsyncIterable<Uint8Array> {
  return quota === undefined ? body : measured(body, quota, heldBytes)
}

async function* measured(body: AsyncIterable<Uint8Array>, quota: Quota, heldBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = heldBytes
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength
    requireRoom(quota, sizeBytes)
    yield chunk
  }
}
