import { createHash } from 'node:crypto'
import type { Hono } from 'hono'
import { z } from 'zod'
import { parseConfig } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { errorMessage } from '../system/describe-error.ts'
import { createFolderStore, type FolderStoreOptions } from './folder/folder-store.ts'
import { DEFAULT_EXPIRY_SECONDS, type ObjectStore } from './object-store.ts'
import type { S3StoreOptions } from './s3/s3-client.ts'
import { createS3Store } from './s3/s3-store.ts'

export type StoreConfig =
  | ({ kind: 's3' } & S3StoreOptions)
  | ({ kind: 'folder' } & Pick<FolderStoreOptions, 'dir' | 'publicUrl' | 'secret' | 'urlSeconds'>)

const HttpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })

/** One week is what S3 allows. */
const UrlSeconds = z.coerce.number().int().min(60).max(604_800).default(DEFAULT_EXPIRY_SECONDS)

const S3Env = z
  .object({
    S3_ENDPOINT: HttpUrl,
    S3_PUBLIC_ENDPOINT: HttpUrl.optional(),
    S3_BUCKET: z.string(),
    AWS_REGION: z.string().default('us-east-1'),
    AWS_ACCESS_KEY_ID: z.string(),
    AWS_SECRET_ACCESS_KEY: z.string(),
    S3_FORCE_PATH_STYLE: z.enum(['true', 'false']).default('true'),
    STORAGE_URL_SECONDS: UrlSeconds,
  })
  .transform(
    (env): StoreConfig => ({
      kind: 's3',
      endpoint: env.S3_ENDPOINT,
      publicEndpoint: env.S3_PUBLIC_ENDPOINT,
      bucket: env.S3_BUCKET,
      region: env.AWS_REGION,
      accessKeyId: env.AWS_ACCESS_KEY_ID,
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
      forcePathStyle: env.S3_FORCE_PATH_STYLE === 'true',
      urlSeconds: env.STORAGE_URL_SECONDS,
    }),
  )

const FolderEnv = z
  .object({
    STORAGE_DIR: z.string(),
    STORAGE_PUBLIC_URL: HttpUrl,
    STORAGE_SECRET: z.string().min(16),
    STORAGE_URL_SECONDS: UrlSeconds,
  })
  .transform(
    (env): StoreConfig => ({
      kind: 'folder',
      dir: env.STORAGE_DIR,
      publicUrl: env.STORAGE_PUBLIC_URL,
      secret: env.STORAGE_SECRET,
      urlSeconds: env.STORAGE_URL_SECONDS,
    }),
  )

/**
 * The object store that the environment configures: S3 when `S3_ENDPOINT` is set (with `S3_BUCKET`, `AWS_REGION`,
 * `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and `S3_PUBLIC_ENDPOINT` when trainers reach it at another address),
 * otherwise a folder (`STORAGE_DIR`, `STORAGE_PUBLIC_URL`, `STORAGE_SECRET`). `defaults` replaces variables of the folder
 * that are not set.
 *
 * @throws ConfigError
 */
export function readStoreConfig(
  env: Record<string, string | undefined>,
  defaults: { dir?: string | undefined; publicUrl?: string | undefined; secret?: string | undefined } = {},
): StoreConfig {
  if (env.S3_ENDPOINT) return parseConfig(S3Env, env, 'the object store (S3)')
  const filled = {
    STORAGE_DIR: env.STORAGE_DIR || defaults.dir,
    STORAGE_PUBLIC_URL: env.STORAGE_PUBLIC_URL || defaults.publicUrl,
    STORAGE_SECRET: env.STORAGE_SECRET || defaults.secret,
    STORAGE_URL_SECONDS: env.STORAGE_URL_SECONDS || undefined,
  }
  return parseConfig(FolderEnv, filled, 'the object store (a folder; set S3_ENDPOINT to use S3)')
}

/** Opens the configured store. Only a folder has an `app`, which must be served below `/storage/`. */
export function createStore(config: StoreConfig): { store: ObjectStore; app: Hono | undefined } {
  if (config.kind === 's3') return { store: createS3Store(config), app: undefined }
  try {
    const store = createFolderStore(config)
    return { store, app: store.app }
  } catch (error) {
    throw new ConfigError(`${config.dir} cannot be used for the object store (STORAGE_DIR): ${errorMessage(error)}`, {
      cause: error,
    })
  }
}

/** Derives a secret for one purpose from an existing one. */
export function deriveSecret(secret: string, purpose: string): string {
  return createHash('sha256').update(`trainyard:${purpose}:${secret}`).digest('hex')
}
