import { z } from 'zod'

const Texts = z.array(z.string()).nullish()

/** The parts of an image's config that a build changes: https://github.com/opencontainers/image-spec/blob/main/config.md */
export const ImageConfig = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  config: z
    .looseObject({ Env: Texts, Entrypoint: Texts, Cmd: Texts, Labels: z.record(z.string(), z.string()).nullish() })
    .nullish(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: z.array(z.string()) }),
  history: z.array(z.looseObject({ empty_layer: z.boolean().optional() })).nullish(),
})
export type ImageConfig = z.infer<typeof ImageConfig>

/** A layer in a file. */
export interface LayerFile {
  mediaType: string
  /** Of the file. */
  digest: string
  sizeBytes: number
  /** Of the tar in it. */
  diffId: string
  file: string
}

/** An image that others are built on. */
export interface BaseImage {
  /** As it was given. */
  name: string
  /** Digest of its manifest in a registry. Undefined for an image of an engine, which does not have one. */
  digest?: string | undefined
  config: ImageConfig
  /** Lowest first. */
  layers: LayerFile[]
}

/** An image that was built, with all its parts. */
export interface BuiltImage {
  name: string
  version: string
  /** Of the manifest. */
  digest: string
  manifest: Uint8Array<ArrayBuffer>
  config: { bytes: Uint8Array<ArrayBuffer>; digest: string }
  layers: LayerFile[]
}

export const LAYER_MEDIA_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip'
export const CONFIG_MEDIA_TYPE = 'application/vnd.oci.image.config.v1+json'

/** The PATH of an image that sets none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Where the trainer's files and its Python environment are in an image. */
export const IMAGE_PATHS = { trainer: '/opt/trainyard/trainer', environment: '/opt/trainyard/environment' } as const
