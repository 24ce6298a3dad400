import { BUNDLE_MEDIA_TYPE, MUTABLE_STATES, VersionState } from '@trainyard/contract'
import { z } from 'zod'
import { PushRefusedError, VersionExistsError } from '../errors.ts'
import type { PushSession } from './push-session.ts'

export const OCI_MANIFEST_MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json'

/** Names a blob in an OCI manifest. */
export interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

const BundleManifest = z.object({ artifactType: z.literal(BUNDLE_MEDIA_TYPE) })

/** A version's bundle, and whether its number is taken. Undefined for a version that has only an image: it can still get a bundle. */
export async function findBundle(
  session: PushSession,
  version: string,
): Promise<{ readonly digest: string; readonly isTaken: boolean } | undefined> {
  const response = await session.withRetries(() =>
    session.request({
      method: 'GET',
      target: `/v2/${session.repository}/manifests/${version}`,
      headers: { accept: `${OCI_MANIFEST_MEDIA_TYPE}, */*` },
      // A token can have the right to push and not the right to pull.
      expect: [200, 401, 403, 404],
    }),
  )
  const text = await response.text()
  if (response.status !== 200) return undefined
  const isBundle = BundleManifest.safeParse(parseJson(text)).success
  const digest = response.headers.get('docker-content-digest')
  if (!isBundle || digest === null) return undefined
  // A registry that names no state replaces nothing.
  const { data: state } = VersionState.safeParse(response.headers.get('trainyard-state'))
  return { digest, isTaken: state === undefined || !MUTABLE_STATES.includes(state) }
}

/** Undefined if it is not JSON. */
export function parseJson(json: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof json === 'string' ? json : Buffer.from(json).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Uploads a blob in one request. Resolves to false if the registry already had it. */
export async function pushBlob(
  session: PushSession,
  blob: Descriptor,
  body: () => Promise<BodyInit>,
): Promise<boolean> {
  return session.withRetries(async () => {
    const target = `/v2/${session.repository}/blobs/${blob.digest}`
    const existing = await session.request({ method: 'HEAD', target, expect: [200, 404] })
    if (existing.status === 200) return false
    const opened = await session.request({
      method: 'POST',
      target: `/v2/${session.repository}/blobs/uploads/`,
      headers: { 'content-length': '0' },
      expect: [202],
    })
    const location = opened.headers.get('location')
    if (location === null)
      throw new PushRefusedError(
        opened.status,
        'unexpected_answer',
        'The registry opened an upload without a Location header',
      )
    await opened.body?.cancel()
    const stored = await session.request({
      method: 'PUT',
      // The location may already have a query.
      target: `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(blob.digest)}`,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
      body,
      expect: [201],
    })
    await stored.body?.cancel()
    return true
  })
}

/** Pushes the manifest as a version. Resolves with the id of the acceptance check. */
export async function putManifest(
  session: PushSession,
  { version, body, digest }: { version: string; body: Uint8Array<ArrayBuffer>; digest: string },
): Promise<string | undefined> {
  try {
    const response = await session.withRetries(() =>
      session.request({
        method: 'PUT',
        target: `/v2/${session.repository}/manifests/${version}`,
        headers: { 'content-type': OCI_MANIFEST_MEDIA_TYPE },
        body: async () => body,
        expect: [200, 201],
      }),
    )
    await response.body?.cancel()
    return response.headers.get('trainyard-check') ?? undefined
  } catch (error) {
    if (!(error instanceof PushRefusedError) || error.status >= 500) throw error
    // Another push may have created the version in the meantime.
    const existing = await findBundle(session, version).catch(() => undefined)
    if (existing?.isTaken && existing.digest !== digest) throw new VersionExistsError(session.repository, version)
    throw error
  }
}
