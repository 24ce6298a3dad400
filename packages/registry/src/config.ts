import { type AuthConfig, AuthEnvironment, parseConfig, toAuthConfig } from '@trainyard/platform'
import { z } from 'zod'

const number = (fallback: number) => z.coerce.number().int().positive().default(fallback)

/** In what pushed trainers are run: `auto`, in bubblewrap where it can be used; `required`, only there; `off`. */
const CHECK_SANDBOXES = ['auto', 'required', 'off'] as const
export type CheckSandbox = (typeof CHECK_SANDBOXES)[number]

const Environment = z.object({
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7600'),
  DATABASE_URL: z.string().min(1),
  REGISTRY_DATABASE_SCHEMA: z.string().min(1).default('registry'),
  DATA_DIR: z.string().min(1).default('.trainyard'),
  ...AuthEnvironment,
  JWT_SECRET: z.string().min(32).optional(),
  REGISTRY_TOKEN_SECONDS: number(3600),
  REGISTRY_CHECK_CONCURRENCY: number(1),
  REGISTRY_CHECK_TIMEOUT_SECONDS: number(900),
  REGISTRY_CHECK_LEASE_SECONDS: number(60),
  REGISTRY_CHECK_SANDBOX: z.enum(CHECK_SANDBOXES).default('auto'),
  REGISTRY_PLAIN_NAMESPACES: z.string().default(''),
  REGISTRY_REDIRECT_PULLS: z.enum(['true', 'false']).default('false'),
  REGISTRY_MAX_BUNDLE_MB: number(512),
})

export interface RegistryConfig {
  /** The origin at which clients reach `/v2`, `/token` and `/v1`; without a slash at the end. */
  publicUrl: string
  databaseUrl: string
  databaseSchema: string
  /** Where bundles are unpacked while they are checked. */
  dataDir: string
  /** Signs the tokens of `/token` with HS256; otherwise a key pair kept in the database does. */
  jwtSecret?: string
  /** Life of a token of `/token`. Default 3600. */
  tokenSeconds: number
  /** Checks at a time in this process. Default 1. */
  checkConcurrency: number
  /** After this a check's worker process is killed. Default 900. */
  checkTimeoutSeconds: number
  /** A check whose worker has not been heard of for so long is taken by another. Default 60. */
  checkLeaseSeconds: number
  /** In what a check runs a trainer; each check says what it was. Default: `auto`. */
  checkSandbox?: CheckSandbox
  /** Folders beside `dataDir` that no trainer is to see: the database's, say. */
  hiddenDirs?: readonly string[]
  /** How often a check is begun before it is given up. Default 3. */
  checkTries: number
  /** How often this process looks for waiting checks when no notification came. Default 5000. */
  pollMs: number
  /** Namespaces of ordinary OCI repositories: any tag, no versions, no checks, deletions allowed. Default none. */
  plainNamespaces: readonly string[]
  /** Answer blob pulls with a redirect to the object store. Default false. */
  redirectPulls: boolean
  /** Largest unpacked bundle. Default 512 MiB. */
  maxBundleBytes: number
  /** An upload session that is older is forgotten. Default 24 hours. */
  uploadSeconds: number
  /** Who may come in; pulling what is published needs nobody. Default: whoever is on this machine. */
  auth?: AuthConfig
}

/** Reads the configuration; what is wrong is thrown as sentences that name the variable. */
export function readRegistryConfig(env: Record<string, string | undefined>): RegistryConfig {
  const value = parseConfig(Environment, env, 'the registry')
  return {
    publicUrl: value.PUBLIC_URL.replace(/\/+$/, ''),
    databaseUrl: value.DATABASE_URL,
    databaseSchema: value.REGISTRY_DATABASE_SCHEMA,
    dataDir: value.DATA_DIR,
    ...(value.JWT_SECRET === undefined ? {} : { jwtSecret: value.JWT_SECRET }),
    tokenSeconds: value.REGISTRY_TOKEN_SECONDS,
    checkConcurrency: value.REGISTRY_CHECK_CONCURRENCY,
    checkTimeoutSeconds: value.REGISTRY_CHECK_TIMEOUT_SECONDS,
    checkLeaseSeconds: value.REGISTRY_CHECK_LEASE_SECONDS,
    checkSandbox: value.REGISTRY_CHECK_SANDBOX,
    checkTries: 3,
    pollMs: 5000,
    plainNamespaces: value.REGISTRY_PLAIN_NAMESPACES.split(',').filter((name) => name !== ''),
    redirectPulls: value.REGISTRY_REDIRECT_PULLS === 'true',
    maxBundleBytes: value.REGISTRY_MAX_BUNDLE_MB * 1024 * 1024,
    uploadSeconds: 24 * 3600,
    auth: toAuthConfig(value),
  }
}
