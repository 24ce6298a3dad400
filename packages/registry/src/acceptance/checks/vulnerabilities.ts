import type { CheckScanner, Finding } from '@trainyard/contract'
import { createCheckPolicy } from '../../versions/check-policy.ts'
import { createFinding } from '../findings.ts'
import {
  findVulnerabilities,
  readTrivyVersion,
  SEVERITIES,
  type TrivyOptions,
  type Vulnerability,
} from '../scanners/trivy.ts'
import type { AcceptanceCheck, CheckEnd } from './check.ts'
import { listPackages } from './list-packages.ts'
import { sbomOf } from './sbom.ts'
import { unavailable, whyNotScanned } from './why-not-scanned.ts'

const DAY_MS = 24 * 3600 * 1000

/** Known vulnerabilities of the packages. */
export const vulnerabilities: AcceptanceCheck = {
  name: 'vulnerabilities',
  async run(input, reporter, signal) {
    const { config, clock } = input.context
    const { trivy, timeoutMs = 120_000, maxDatabaseDays = 7, refuseFrom = 'CRITICAL' } = config.scanners ?? {}
    if (trivy === undefined)
      return {
        outcome: 'skipped',
        reason:
          'no vulnerability scanner is configured: set TRIVY_SERVER_URL, and TRIVY_PROGRAM if trivy is not in PATH',
      }
    const options: TrivyOptions = { ...trivy, timeoutMs, signal }
    const notNow = (reason: string, scanner?: CheckScanner): CheckEnd => ({
      ...unavailable(config.checkPolicy ?? createCheckPolicy(), 'vulnerabilities', reason),
      scanner,
    })
    try {
      const { scanner, updatedAt } = await readTrivyScanner(options)
      if (updatedAt === undefined) return notNow('Trivy has no database', scanner)
      if (clock.now().getTime() - updatedAt.getTime() > maxDatabaseDays * DAY_MS)
        return notNow(`the database of Trivy is of ${scanner.database}, older than ${maxDatabaseDays} days`, scanner)
      const found = await listPackages(input, reporter, signal)
      for (const one of await findVulnerabilities(sbomOf(input, found), options))
        reporter.found(toFinding(one, refuseFrom))
      const notes = [`${found.packages.length} packages were compared with known vulnerabilities`]
      if (found.unread.length === 0) return { outcome: 'done', scanner, notes }
      return {
        outcome: 'skipped',
        reason: `scanned in part: ${found.unread.slice(0, 3).join(', ')} cannot be read`,
        scanner,
        notes,
      }
    } catch (error) {
      return whyNotScanned(input, 'vulnerabilities', error)
    }
  },
}

/** The version of Trivy and of its database. */
export async function readTrivyScanner(
  options: TrivyOptions,
): Promise<{ scanner: CheckScanner; updatedAt: Date | undefined }> {
  const { version, updatedAt } = await readTrivyVersion(options)
  return { scanner: { name: 'Trivy', version, database: updatedAt?.toISOString() }, updatedAt }
}

/** Vulnerabilities below the threshold, and those that no version mends, are warnings. */
function toFinding(one: Vulnerability, refuseFrom: Vulnerability['severity']): Finding {
  const isSevere = SEVERITIES.indexOf(one.severity) >= SEVERITIES.indexOf(refuseFrom)
  const title = one.title === undefined ? '' : `: ${one.title.slice(0, 300)}`
  const message = `${one.package} ${one.installed} has ${one.id} (${one.severity.toLowerCase()})${title}`
  const help =
    one.fixed === undefined
      ? 'No version without this vulnerability is known. Remove the package if the trainer does not need it.'
      : `Update ${one.package} to ${one.fixed}.`
  return createFinding('TY392', message, {
    file: one.path === undefined ? undefined : `/${one.path}`,
    severity: isSevere && one.fixed !== undefined ? 'error' : 'warning',
    help,
    subject: `${one.id} ${one.package}`,
  })
}
