import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pickEnvironment } from '@trainyard/platform'
import { z } from 'zod'
import { ScannerUnavailable } from './errors.ts'

const run = promisify(execFile)
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024

export interface TrivyOptions {
  /** The program. Default: `trivy` in PATH. */
  program?: string | undefined
  /** A server that has the database, as a URL. Default: the database of this machine. */
  serverUrl?: string | undefined
  timeoutMs: number
  signal?: AbortSignal | undefined
}

const Version = z.looseObject({
  Version: z.string(),
  VulnerabilityDB: z.looseObject({ UpdatedAt: z.iso.datetime({ offset: true }) }).nullish(),
})

/** From the least to the most severe. */
export const SEVERITIES = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const

const Report = z.looseObject({
  Results: z
    .array(
      z.looseObject({
        Target: z.string(),
        Vulnerabilities: z
          .array(
            z.looseObject({
              VulnerabilityID: z.string(),
              PkgName: z.string(),
              InstalledVersion: z.string(),
              FixedVersion: z.string().optional(),
              Severity: z.enum(SEVERITIES),
              Title: z.string().optional(),
              PkgPath: z.string().optional(),
              PkgIdentifier: z.looseObject({ BOMRef: z.string().optional() }).optional(),
            }),
          )
          .nullish(),
      }),
    )
    .nullish(),
})

export interface Vulnerability {
  id: string
  package: string
  installed: string
  /** Undefined when no version without it exists. */
  fixed: string | undefined
  severity: (typeof SEVERITIES)[number]
  title: string | undefined
  /** The file that describes the package, if the list of packages named it. */
  path: string | undefined
}

export interface TrivyDatabase {
  version: string
  /** Undefined when Trivy has no database. */
  updatedAt: Date | undefined
}

/**
 * The version of Trivy and the age of its database.
 *
 * @throws ScannerUnavailable when it does not answer
 */
export async function readTrivyVersion(options: TrivyOptions): Promise<TrivyDatabase> {
  const { serverUrl } = options
  const text =
    serverUrl === undefined ? await trivy(options, ['version', '--format', 'json']) : await ask(options, serverUrl)
  const parsed = Version.safeParse(parse(text))
  if (!parsed.success) throw new ScannerUnavailable('Trivy does not tell its version')
  const { Version: version, VulnerabilityDB: database } = parsed.data
  return { version, updatedAt: database ? new Date(database.UpdatedAt) : undefined }
}

/**
 * The known vulnerabilities of the packages in a CycloneDX document.
 *
 * @throws ScannerUnavailable when Trivy cannot be run, fails, or does not answer
 */
export async function findVulnerabilities(sbom: string, options: TrivyOptions): Promise<Vulnerability[]> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-trivy-'))
  try {
    const file = join(dir, 'sbom.json')
    await writeFile(file, sbom)
    const server = options.serverUrl === undefined ? ['--skip-db-update'] : ['--server', options.serverUrl]
    const text = await trivy(options, ['sbom', '--quiet', '--format', 'json', '--scanners', 'vuln', ...server, file])
    const report = Report.safeParse(parse(text))
    if (!report.success) throw new ScannerUnavailable(`the report of Trivy cannot be read: ${report.error.message}`)
    return (report.data.Results ?? []).flatMap(({ Vulnerabilities }) =>
      (Vulnerabilities ?? []).map((one) => ({
        id: one.VulnerabilityID,
        package: one.PkgName,
        installed: one.InstalledVersion,
        fixed: one.FixedVersion || undefined,
        severity: one.Severity,
        title: one.Title,
        path: one.PkgPath || one.PkgIdentifier?.BOMRef?.split('#')[1],
      })),
    )
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function trivy({ program = 'trivy', timeoutMs, signal }: TrivyOptions, args: string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, {
      timeout: timeoutMs,
      maxBuffer: MAX_OUTPUT_BYTES,
      env: {
        ...pickEnvironment(['PATH', 'HOME', 'XDG_CACHE_HOME', 'TRIVY_CACHE_DIR', 'TRIVY_TOKEN', 'TMPDIR']),
        TRIVY_OFFLINE_SCAN: 'true',
        TRIVY_SKIP_VERSION_CHECK: 'true',
      },
      signal,
    })
    return stdout
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new ScannerUnavailable(`Trivy failed: ${reason.slice(0, 500)}`, { cause: error })
  }
}

async function ask({ timeoutMs, signal }: TrivyOptions, serverUrl: string): Promise<string> {
  const limit = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(new URL('/version', serverUrl), {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
    if (!response.ok) throw new Error(`it answered ${response.status}`)
    return await response.text()
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new ScannerUnavailable(`the server of Trivy at ${serverUrl} does not answer: ${reason}`, { cause: error })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
