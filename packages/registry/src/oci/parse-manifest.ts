import { isUtf8 } from 'node:buffer'
import { BUNDLE_CONFIG_MEDIA_TYPE, BUNDLE_MEDIA_TYPE } from '@trainyard/contract'
import { findJson } from '@trainyard/platform'
import { z } from 'zod'
import type { ManifestForm } from '../db/schema/manifests.ts'
import type { PartKind } from '../db/schema/version-parts.ts'
import { OciError } from './errors.ts'
import { requireOneReading } from './one-reading.ts'

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const IMAGE_CONFIGS = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
] as const

/** Layers that must not be redistributed. A manifest may refer to them, but registries do not store them. */
const NOT_DISTRIBUTED = /^application\/vnd\.(oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)/

const Descriptor = z.looseObject({
  mediaType: z.string(),
  digest: z.string(),
  size: z.number().int().nonnegative(),
  platform: z.looseObject({ os: z.string().optional(), architecture: z.string().optional() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  data: z.string().optional(),
})
export type Descriptor = z.infer<typeof Descriptor>

const sharedFields = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  subject: Descriptor.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
}
export const ImageManifest = z.looseObject({
  ...sharedFields,
  config: Descriptor,
  layers: z.array(Descriptor).default([]),
})
export type ImageManifest = z.infer<typeof ImageManifest>
const ImageIndex = z.looseObject({ ...sharedFields, manifests: z.array(Descriptor) })
type ImageIndex = z.infer<typeof ImageIndex>

/** The parts of a pushed manifest that the registry uses. The bytes are stored unchanged. */
export interface ParsedManifest {
  mediaType: string
  /** For the referrers list: the manifest's `artifactType`, or else the media type of its config. */
  artifactType: string | undefined
  subject: string | undefined
  annotations: Record<string, string> | undefined
  /** Digests of blobs that must have been pushed before. */
  blobs: string[]
  /** Digests of layers that clients may fetch from elsewhere, and that need not be pushed to a plain repository. */
  foreignBlobs: string[]
  /** The config and the layers. */
  descriptors: Descriptor[]
  /** Manifests of an index. */
  children: Descriptor[]
  /** As the manifest alone shows it: an artifact or an image whose blobs are small texts is an attachment. */
  form: Exclude<ManifestForm, 'attachment'>
  /** Undefined for anything that is not a trainer, such as a signature or a chart. */
  kind: PartKind | undefined
  /** The only layer of a bundle. */
  bundleLayer: Descriptor | undefined
  sizeBytes: number
}

/** The size that the spec requires registries to accept. Real manifests are much smaller. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** An index of 20,000 manifests, with platforms. Checking takes time for each value. */
const MANIFEST_LIMITS = { maxBodyBytes: MAX_MANIFEST_BYTES, maxValues: 150_000 }

const invalid = (message: string) => new OciError('MANIFEST_INVALID', message)

/** Parses a manifest. `contentType` is the header of the request. */
export function parseManifest(content: Uint8Array, contentType: string | null): ParsedManifest {
  const json = findJson(content, MANIFEST_LIMITS)
  if (json === undefined || !isUtf8(content)) {
    const { maxValues } = MANIFEST_LIMITS
    throw invalid(`the manifest is not JSON in UTF-8, nests more than 64 deep, or has more than ${maxValues} values`)
  }
  const declared = z.looseObject({ mediaType: z.string().optional() }).safeParse(json).data?.mediaType
  const header = contentType?.split(';')[0]?.trim() || undefined
  if (header !== undefined && declared !== undefined && header !== declared) {
    throw invalid(`the Content-Type is ${header}, but the manifest's mediaType is ${declared}`)
  }
  const mediaType = header ?? declared ?? OCI_MANIFEST
  refuseTwoKinds(json)
  requireOneReading(json)
  if (mediaType === OCI_INDEX || mediaType === DOCKER_LIST) return describeIndex(mediaType, read(ImageIndex, json))
  if (mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST) {
    return describeImage(mediaType, read(ImageManifest, json))
  }
  throw invalid(
    `the media type ${mediaType} is not supported; expected an OCI or Docker (schema 2) manifest, index or list`,
  )
}

/** Clients that guess the kind of a document by its members would run something else than was checked (CVE-2021-41190). */
function refuseTwoKinds(json: unknown): void {
  if (typeof json !== 'object' || json === null || !('manifests' in json)) return
  const other = ['layers', 'config', 'fsLayers'].find((member) => member in json)
  if (other === undefined) return
  throw invalid(
    `the manifest has both "manifests" and "${other}"; an index has "manifests", and an image has "${other}"`,
  )
}

function read<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalid(`"${issue?.path.join('.') ?? ''}" of the manifest is not valid: ${issue?.message ?? 'unknown reason'}`)
}

function describeIndex(mediaType: string, index: ImageIndex): ParsedManifest {
  return {
    mediaType,
    artifactType: index.artifactType,
    subject: index.subject?.digest,
    annotations: index.annotations,
    blobs: [],
    foreignBlobs: [],
    descriptors: [],
    children: index.manifests,
    form: 'index',
    kind: index.artifactType === undefined && index.manifests.length > 0 ? 'image' : undefined,
    bundleLayer: undefined,
    sizeBytes: index.manifests.reduce((sum, child) => sum + child.size, 0),
  }
}

function describeImage(mediaType: string, manifest: ImageManifest): ParsedManifest {
  const bundleLayers = manifest.layers.filter((layer) => layer.mediaType === BUNDLE_MEDIA_TYPE)
  const bundle =
    manifest.artifactType === BUNDLE_MEDIA_TYPE ||
    manifest.config.mediaType === BUNDLE_CONFIG_MEDIA_TYPE ||
    bundleLayers.length > 0
  if (bundle && (bundleLayers.length !== 1 || manifest.layers.length !== 1)) {
    throw invalid(
      `a bundle must have exactly one layer, of the type ${BUNDLE_MEDIA_TYPE}; got ${manifest.layers.length} layers`,
    )
  }
  // Container engines run an image whatever its artifactType is.
  const runs = IMAGE_CONFIGS.some((type) => type === manifest.config.mediaType)
  const image = manifest.artifactType === undefined && runs
  const descriptors = [manifest.config, ...manifest.layers]
  const isForeign = ({ mediaType }: Descriptor) => NOT_DISTRIBUTED.test(mediaType)
  return {
    mediaType,
    artifactType: manifest.artifactType ?? manifest.config.mediaType,
    subject: manifest.subject?.digest,
    annotations: manifest.annotations,
    blobs: descriptors.filter((descriptor) => !isForeign(descriptor)).map(({ digest }) => digest),
    foreignBlobs: descriptors.filter(isForeign).map(({ digest }) => digest),
    descriptors,
    children: [],
    form: bundle ? 'bundle' : runs ? 'image' : 'artifact',
    kind: bundle ? 'bundle' : image ? 'image' : undefined,
    bundleLayer: bundleLayers[0],
    sizeBytes: manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
  }
}
