import type { CheckScanner, RescannedCheck } from '@trainyard/contract'
import { readClamdScanner } from '../acceptance/checks/malware.ts'
import { readTrivyScanner } from '../acceptance/checks/vulnerabilities.ts'
import { ScannerUnavailable } from '../acceptance/scanners/errors.ts'
import type { RegistryContext } from '../context.ts'

const TIMEOUT_MS = 10_000

/** The scanner of a check with its database, or why none answers. */
export type CurrentScanner = { scanner: CheckScanner; reason?: undefined } | { scanner?: undefined; reason: string }

export async function currentScanner({ config }: RegistryContext, check: RescannedCheck): Promise<CurrentScanner> {
  const { clamd, trivy } = config.scanners ?? {}
  if (config.checkPolicy?.[check].enabled === false) return { reason: 'the check is switched off' }
  try {
    if (check === 'malware') {
      if (clamd === undefined) return { reason: 'no malware scanner is configured' }
      return { scanner: await readClamdScanner({ address: clamd, timeoutMs: TIMEOUT_MS }) }
    }
    if (trivy === undefined) return { reason: 'no vulnerability scanner is configured' }
    const { scanner, updatedAt } = await readTrivyScanner({ ...trivy, timeoutMs: TIMEOUT_MS })
    return updatedAt === undefined ? { reason: 'Trivy has no database' } : { scanner }
  } catch (error) {
    if (!(error instanceof ScannerUnavailable)) throw error
    return { reason: error.message }
  }
}

/** What results of the scanner depend on. */
export const scannerKey = ({ name, version, database = '' }: CheckScanner): string =>
  [name, version, database].join(' ')
