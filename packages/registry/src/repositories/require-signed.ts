import { OciError } from '../oci/errors.ts'
import { findUnsigned, type PulledContent } from '../signatures/find-unsigned.ts'
import { mayInspect, type RepositoryRequest } from './repository.ts'

/**
 * Refuses strangers what their namespace demands a signature for. Those who may see what is not published can pull it: they sign
 * it.
 *
 * @throws OciError `DENIED`
 */
export async function requireSigned(request: RepositoryRequest, content: Omit<PulledContent, 'name'>): Promise<void> {
  if (mayInspect(request)) return
  const { context, name } = request
  const unsigned = await findUnsigned(context, { ...content, name })
  if (unsigned === undefined) return
  const { version, reason } = unsigned
  throw new OciError(
    'DENIED',
    `${name}:${version} must be signed to be pulled (REGISTRY_SIGNING_POLICY), and is not: ${reason}`,
  )
}
