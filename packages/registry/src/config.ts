import { CheckName, TrustTier } from '@trainyard/contract'
import {
  type AddressList,
  AddressListVariable,
  type AuthConfig,
  AuthEnvironment,
  type MetricsConfig,
  parseConfig,
  readMetricsConfig,
  toAuthConfig,
} from '@trainyard/platform'
import { z } from 'zod'
import { type CiIssuer, CiIssuers } from './job-tokens/ci-issuers.ts'
import { ProofHosts } from './proof-hosts.ts'
import { SigningPolicies } from './sigstore/signing-policy.ts'
import { type CheckPolicy, createCheckPolicy, REQUIRED_BY_DEFAULT } from './versions/check-policy.ts'
import { DEFAULT_TIERS, RESCAN_POLICIES, type RescanPolicy, type TierPolicy } from './versions/trust.ts'

const number = (fallback: number) => z.coerce.number().int().positive().default(fallback)

/** Whether a check runs the trainer in a sandbox: `auto` in the best of this machine, `required` in a complete one, `off` in none. */
const CHECK_SANDBOXES = ['auto', 'required', 'off'] as const
export type CheckSandbox = (typeof CHECK_SANDBOXES)[number]

/** How pushed images are run. */
export interface ImageRunsConfig {
  /** Images that this process checks at the same time, so that other checks do not wait for them. */
  max: number
  /** The `DOCKER_…` variables: where the engine is, and the limits of a container. */
  env: Readonly<Record<string, string>>
}

/** The `DOCKER_…` variables, without logins: nothing is pulled. */
function engineOf(env: Record<string, string | undefined>): Record<string, string> {
  const entries = Object.entries(env).flatMap(([name, value]) =>
    /^DOCKER_/.test(name) && name !== 'DOCKER_AUTH_CONFIG' && value !== undefined ? [[name, value] as const] : [],
  )
  return Object.fromEntries(entries)
}

/** A comma-separated list of checks; `none` is the empty list. */
const checkNames = (fallback: readonly CheckName[]) =>
  z
    .string()
    .default(fallback.join(','))
    .transform((text) => (text.trim() === 'none' ? [] : text.split(/[,\s]+/).filter((name) => name !== '')))
    .pipe(z.array(CheckName))

/** What happens with images that run as root. */
const ROOT_USER_POLICIES = ['allow', 'warn', 'refuse'] as const
type VulnerabilitySeverity = 'UNKNOWN' | 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL'

/** Scanners outside of this process. */
export interface ScannersConfig {
  /** The daemon of ClamAV: `HOST:PORT`, or the path of its socket. Default: none, and malware is not scanned for. */
  clamd?: string | undefined
  /** Default: none, and vulnerabilities are not scanned for. */
  trivy?: { program?: string | undefined; serverUrl?: string | undefined } | undefined
  /** Limit of one request to a scanner. Default: 120 000. */
  timeoutMs?: number | undefined
  /** What a scanner with an older database says is "not scanned". Default: 7. */
  maxDatabaseDays?: number | undefined
  /** Vulnerabilities from this severity on are errors if a version without them exists. Default: `CRITICAL`. */
  refuseFrom?: VulnerabilitySeverity | undefined
}
/** A comma-separated list of trust tiers; `none` is the empty list. */
const tierNames = () =>
  z
    .string()
    .default(DEFAULT_TIERS.join(','))
    .transform((text) => (text.trim() === 'none' ? [] : text.split(/[,\s]+/).filter((name) => name !== '')))
    .pipe(z.array(TrustTier))

const jsonList = <T extends z.ZodType>(schema: T, what: string) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue({ code: 'custom', message: `must be JSON: a list of ${what}` })
        return z.NEVER
      }
    })
    .pipe(schema)
    .optional()

const Environment = z.object({
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7600'),
  DATABASE_URL: z.string().min(1),
  REGISTRY_DATABASE_SCHEMA: z.string().min(1).default('registry'),
  DATA_DIR: z.string().min(1).default('.trainyard'),
  ...AuthEnvironment,
  JWT_SECRET: z.string().min(32).optional(),
  REGISTRY_TOKEN_SECONDS: number(3600),
  REGISTRY_CHECK_CONCURRENCY: number(2),
  REGISTRY_CHECKS_PER_ORGANISATION: number(2),
  REGISTRY_CHECK_MEMORY_MB: number(6144),
  REGISTRY_CHECK_TIMEOUT_SECONDS: number(900),
  REGISTRY_CHECK_LEASE_SECONDS: number(60),
  REGISTRY_CHECKS_ENABLED: checkNames(CheckName.options),
  REGISTRY_CHECKS_ENFORCED: checkNames(CheckName.options),
  REGISTRY_CHECKS_REQUIRED: checkNames(REQUIRED_BY_DEFAULT),
  REGISTRY_TIERS_PULL: tierNames(),
  REGISTRY_TIERS_RUN: tierNames(),
  REGISTRY_TIERS_LIST: tierNames(),
  REGISTRY_IMAGE_RUNS: z.coerce.number().int().nonnegative().default(1),
  REGISTRY_CHECK_SANDBOX: z.enum(CHECK_SANDBOXES).default('auto'),
  SUBPROCESS_READ_PATHS: z.string().default(''),
  SUBPROCESS_ALLOW_UNSANDBOXED: z.enum(['true', 'false']).default('false'),
  REGISTRY_LAYER_MAX_RATIO: number(200),
  REGISTRY_LAYER_MAX_GB: number(64),
  REGISTRY_LAYER_MAX_ENTRIES: number(500_000),
  REGISTRY_ROOT_IMAGES: z.enum(ROOT_USER_POLICIES).default('warn'),
  REGISTRY_IMAGE_WARN_GB: number(20),
  CLAMAV_SOCKET: z.string().min(1).optional(),
  TRIVY_SERVER_URL: z.url({ protocol: /^https?$/ }).optional(),
  TRIVY_PROGRAM: z.string().min(1).optional(),
  REGISTRY_SCANNER_TIMEOUT_SECONDS: number(120),
  REGISTRY_SCANNER_DATABASE_DAYS: number(7),
  REGISTRY_VULNERABILITY_SEVERITY: z
    .enum(['unknown', 'low', 'medium', 'high', 'critical'])
    .default('critical')
    .transform((severity) => severity.toUpperCase() as VulnerabilitySeverity),
  REGISTRY_RESCAN_SECONDS: z.coerce.number().int().nonnegative().default(600),
  REGISTRY_RESCANS_PER_HOUR: number(600),
  REGISTRY_RESCAN_POLICY: z.enum(RESCAN_POLICIES).default('warn'),
  REGISTRY_PLAIN_NAMESPACES: z.string().default(''),
  REGISTRY_RUNNERS: z
    .string()
    .default('')
    .transform((text) => text.split(/[,\s]+/).filter((address) => address !== ''))
    .pipe(z.array(z.url({ protocol: /^https?$/, error: 'must be addresses of runners, separated by commas' }))),
  REGISTRY_REDIRECT_PULLS: z.enum(['true', 'false']).default('false'),
  REGISTRY_MAX_BUNDLE_MB: number(512),
  REGISTRY_COLLECT_SECONDS: number(600),
  REGISTRY_COLLECT_DELAY_SECONDS: number(86_400),
  REGISTRY_NAMESPACE_MAX_MB: z.coerce.number().int().nonnegative().default(0),
  OUTBOUND_ALLOW: AddressListVariable,
  REGISTRY_PROOF_HOSTS: jsonList(ProofHosts, 'hosts'),
  REGISTRY_DNS_SERVERS: z.string().default(''),
  REGISTRY_CI_ISSUERS: jsonList(CiIssuers, 'issuers'),
  REGISTRY_SIGNING_POLICY: jsonList(SigningPolicies, 'namespaces'),
  SIGSTORE_TRUSTED_ROOT: z.string().min(1).optional(),
  REGISTRY_PUBLISHING_TOKEN_SECONDS: z.coerce.number().int().min(60).max(86_400).default(3600),
})

export interface RegistryConfig {
  /** The origin under which clients reach `/v2`, `/token` and `/v1`, without a trailing slash. */
  publicUrl: string
  /** The origin of the web pages, to which refusals and warnings link. Default: `publicUrl`. */
  pagesUrl?: string | undefined
  /** Addresses of runners whose statements about runs count. Default: none but that of the own process. */
  runners?: readonly string[] | undefined
  databaseUrl: string
  databaseSchema: string
  /** Bundles are unpacked here while they are checked. */
  dataDir: string
  /** Signs the tokens of `/token` with HS256. Default: a key pair kept in the database. */
  jwtSecret?: string | undefined
  /** Lifetime of a token issued by `/token`. Default 3600. */
  tokenSeconds: number
  /** Versions that this process checks at the same time. Default 2. */
  checkConcurrency: number
  /** Versions of one organisation that are checked at the same time, by all processes. Default 2. */
  checksPerOrganisation?: number | undefined
  /** A validation that uses more memory, with the trainer that it runs, is killed. Default 6 GiB. */
  checkMemoryBytes?: number | undefined
  /** Time limit of each check. Default 900. */
  checkTimeoutSeconds: number
  /** If a check's lease is not renewed for this long, another process takes the check over. Default 60. */
  checkLeaseSeconds: number
  /** Which checks run, which reject, and which a version needs to count as checked. Default: see `createCheckPolicy`. */
  checkPolicy?: CheckPolicy | undefined
  /** Which tiers strangers may pull, run and see. Default: all but `unchecked`. */
  tiers?: TierPolicy | undefined
  /** Pushed images are run in the container engine of this machine. Default: they are not run. */
  imageRuns?: ImageRunsConfig | undefined
  /** The sandbox for trainers; each check reports what it used. Default: `auto`. */
  checkSandbox?: CheckSandbox | undefined
  /** Folders that trainers may read in addition to the system's. Default: none. */
  checkReadPaths?: readonly string[] | undefined
  /** Whether checks run trainers where no sandbox can be used. Default: false; such checks are `errored` and tried again. */
  checkUnsandboxed?: boolean | undefined
  /** Folders that are hidden from trainers in addition to `dataDir`, for example the database's. */
  hiddenDirs?: readonly string[] | undefined
  /** How many times a check is started before it is rejected. Default 3. */
  checkTries: number
  /** How often this process polls for waiting checks, in case a notification was lost. Default 5000. */
  pollMs: number
  /** Limits of a layer. Default: those of `inspectLayer`. */
  layerLimits?:
    | { maxEntries?: number | undefined; maxBytes?: number | undefined; maxRatio?: number | undefined }
    | undefined
  /** What is a finding in an image. Default: root is a warning, and more than 20 GiB. */
  imagePolicy?:
    | { rootUser?: (typeof ROOT_USER_POLICIES)[number] | undefined; maxImageBytes?: number | undefined }
    | undefined
  scanners?: ScannersConfig | undefined
  /** How often scanners are asked whether their databases changed. 0: published versions are not scanned again. Default: 600. */
  rescanSeconds?: number | undefined
  /** Parts that are scanned again in an hour, by all processes. Default: 600. */
  rescansPerHour?: number | undefined
  /** What happens to a published version in which a scanner finds an error. Default: `warn`. */
  rescanPolicy?: RescanPolicy | undefined
  /** Namespaces of ordinary OCI repositories: any tag, no versions, no checks, deletion allowed. Default: none. */
  plainNamespaces: readonly string[]
  /** Redirect blob pulls to the object store. Default false. */
  redirectPulls: boolean
  /** Largest unpacked bundle. Default 512 MiB. */
  maxBundleBytes: number
  /** Upload sessions that are older are deleted. Default 24 hours. */
  uploadSeconds: number
  /** How often this process looks for blobs that nothing needs. Default 600. */
  collectSeconds: number
  /** A blob that no manifest needs is kept for this long after it was pushed, mounted or asked for. Default 24 hours. */
  collectDelaySeconds: number
  /** Bytes that the blobs of one namespace may have, each counted once. Default: no limit. */
  namespaceBytes?: number | undefined
  /** Whose signatures count in which namespace. Default: those of publishers, and none is required. */
  signingPolicies?: SigningPolicies | undefined
  /** File with the certificates and logs by which signatures are verified. Default: none, and none is verified. */
  sigstoreTrustedRoot?: string | undefined
  /** CIs whose jobs can publish without a stored secret. Default: GitHub and GitLab. */
  ciIssuers?: readonly CiIssuer[] | undefined
  /** Lifetime of the token that a job gets. Default 3600. */
  publishingTokenSeconds?: number | undefined
  /** Addresses that requests to addresses of users reach although they are not public. Default: none. */
  outboundAllow?: AddressList | undefined
  /** Hosts whose repositories prove who owns a namespace. Default: GitHub and GitLab. */
  proofHosts?: ProofHosts | undefined
  /** Servers that resolve TXT records, as `ADDRESS` or `ADDRESS:PORT`. Default: those of the system. */
  dnsServers?: readonly string[] | undefined
  /** Access to `/metrics`. Default: refused. */
  metrics?: MetricsConfig | undefined
  /** How callers authenticate. Default: `local`, which treats any caller on this machine as the owner. */
  auth?: AuthConfig | undefined
}

/** Reads the configuration. Throws an error that names each invalid variable. */
export function readRegistryConfig(env: Record<string, string | undefined>): RegistryConfig {
  const value = parseConfig(Environment, env, 'the registry')
  return {
    publicUrl: value.PUBLIC_URL.replace(/\/+$/, ''),
    pagesUrl: value.PAGES_URL?.replace(/\/+$/, ''),
    databaseUrl: value.DATABASE_URL,
    databaseSchema: value.REGISTRY_DATABASE_SCHEMA,
    dataDir: value.DATA_DIR,
    jwtSecret: value.JWT_SECRET,
    tokenSeconds: value.REGISTRY_TOKEN_SECONDS,
    checkConcurrency: value.REGISTRY_CHECK_CONCURRENCY,
    checksPerOrganisation: value.REGISTRY_CHECKS_PER_ORGANISATION,
    checkMemoryBytes: value.REGISTRY_CHECK_MEMORY_MB * 1024 * 1024,
    checkTimeoutSeconds: value.REGISTRY_CHECK_TIMEOUT_SECONDS,
    checkLeaseSeconds: value.REGISTRY_CHECK_LEASE_SECONDS,
    checkPolicy: createCheckPolicy({
      enabled: value.REGISTRY_CHECKS_ENABLED,
      enforced: value.REGISTRY_CHECKS_ENFORCED,
      required: value.REGISTRY_CHECKS_REQUIRED,
    }),
    tiers: { pull: value.REGISTRY_TIERS_PULL, run: value.REGISTRY_TIERS_RUN, list: value.REGISTRY_TIERS_LIST },
    imageRuns: value.REGISTRY_IMAGE_RUNS === 0 ? undefined : { max: value.REGISTRY_IMAGE_RUNS, env: engineOf(env) },
    checkSandbox: value.REGISTRY_CHECK_SANDBOX,
    checkReadPaths: value.SUBPROCESS_READ_PATHS.split(/[:,\s]+/).filter((path) => path !== ''),
    // With AUTH=local only the owner of this machine can push, and what the owner installs may run without a sandbox.
    checkUnsandboxed: value.AUTH === 'local' || value.SUBPROCESS_ALLOW_UNSANDBOXED === 'true',
    checkTries: 3,
    pollMs: 5000,
    layerLimits: {
      maxEntries: value.REGISTRY_LAYER_MAX_ENTRIES,
      maxBytes: value.REGISTRY_LAYER_MAX_GB * 1024 ** 3,
      maxRatio: value.REGISTRY_LAYER_MAX_RATIO,
    },
    imagePolicy: {
      rootUser: value.REGISTRY_ROOT_IMAGES,
      maxImageBytes: value.REGISTRY_IMAGE_WARN_GB * 1024 ** 3,
    },
    scanners: {
      clamd: value.CLAMAV_SOCKET,
      trivy:
        value.TRIVY_SERVER_URL === undefined && value.TRIVY_PROGRAM === undefined
          ? undefined
          : { program: value.TRIVY_PROGRAM, serverUrl: value.TRIVY_SERVER_URL },
      timeoutMs: value.REGISTRY_SCANNER_TIMEOUT_SECONDS * 1000,
      maxDatabaseDays: value.REGISTRY_SCANNER_DATABASE_DAYS,
      refuseFrom: value.REGISTRY_VULNERABILITY_SEVERITY,
    },
    rescanSeconds: value.REGISTRY_RESCAN_SECONDS,
    rescansPerHour: value.REGISTRY_RESCANS_PER_HOUR,
    rescanPolicy: value.REGISTRY_RESCAN_POLICY,
    runners: value.REGISTRY_RUNNERS,
    plainNamespaces: value.REGISTRY_PLAIN_NAMESPACES.split(',').filter((name) => name !== ''),
    redirectPulls: value.REGISTRY_REDIRECT_PULLS === 'true',
    maxBundleBytes: value.REGISTRY_MAX_BUNDLE_MB * 1024 * 1024,
    collectSeconds: value.REGISTRY_COLLECT_SECONDS,
    collectDelaySeconds: value.REGISTRY_COLLECT_DELAY_SECONDS,
    namespaceBytes: value.REGISTRY_NAMESPACE_MAX_MB === 0 ? undefined : value.REGISTRY_NAMESPACE_MAX_MB * 1024 * 1024,
    signingPolicies: value.REGISTRY_SIGNING_POLICY,
    sigstoreTrustedRoot: value.SIGSTORE_TRUSTED_ROOT,
    ciIssuers: value.REGISTRY_CI_ISSUERS,
    publishingTokenSeconds: value.REGISTRY_PUBLISHING_TOKEN_SECONDS,
    uploadSeconds: 24 * 3600,
    proofHosts: value.REGISTRY_PROOF_HOSTS,
    dnsServers: value.REGISTRY_DNS_SERVERS.split(/[,\s]+/).filter((server) => server !== ''),
    outboundAllow: value.OUTBOUND_ALLOW,
    metrics: readMetricsConfig(env),
    auth: toAuthConfig(value),
  }
}
