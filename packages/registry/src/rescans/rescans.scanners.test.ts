import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Check } from '@trainyard/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushImage, resultOf, trainerManifest } from '../testing/harness.ts'
import { createCheckPolicy } from '../versions/check-policy.ts'
import { Rescanner } from './rescanner.ts'

const run = promisify(execFile)
const { TRIVY_SERVER_URL: serverUrl, TRIVY_PROGRAM: program } = process.env
const hasTrivy = await run(program ?? 'trivy', ['--version']).then(
  () => true,
  () => false,
)
const isReady = serverUrl !== undefined && hasTrivy
if (!isReady)
  console.warn(
    'SKIPPED: scans of published versions with the real Trivy. Start `trivy server`, set TRIVY_SERVER_URL, and put trivy in PATH or set TRIVY_PROGRAM',
  )

const metadata = 'Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\nLicense: Apache 2.0\n\n'

describe.skipIf(!isReady)('a version that was published with an older database of Trivy', () => {
  let harness: Harness
  let token: string
  beforeAll(async () => {
    const scanners = { trivy: { serverUrl, program } }
    // The vulnerability that it has would reject it.
    const checkPolicy = createCheckPolicy({ enforced: ['manifest'] })
    harness = await createHarness({ config: { scanners, checkPolicy, rescanSeconds: 0 } })
    await harness.registry.start()
    token = await harness.token(['push:acme'])
  })
  afterAll(() => harness?.close())

  it('is compared with the vulnerabilities that Trivy knows now', async () => {
    const { context } = harness.registry
    const name = 'acme/older'
    const layers = [
      [{ name: 'usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA', body: metadata }],
      [{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }],
    ]
    const pushed = await pushImage(harness, { name, version: '1.0.0', token, layers })
    const published = await endOfCheck(harness, token, pushed)
    expect(published.state).toBe('published')
    const { findings, scanner } = resultOf(published, 'vulnerabilities')
    expect(findings.length).toBeGreaterThan(0)

    const older = published.checks.map((check) =>
      check.name === 'vulnerabilities'
        ? { ...check, findings: [], scanner: { ...check.scanner, database: '2020-01-01T00:00:00.000Z' } }
        : check,
    )
    await sql`update checks set results = ${JSON.stringify(older)}::jsonb`.execute(context.database.db)
    harness.config.rescanSeconds = 3600
    const rescanner = new Rescanner(context)
    await rescanner.start()
    const id = pushed.headers.get('trainyard-check')
    await vi.waitFor(
      async () => {
        const check = (await (await harness.request(`/v1/checks/${id}`)).json()) as Check
        const found = resultOf(check, 'vulnerabilities')
        expect(found.rescannedAt).toBeDefined()
        expect([found.scanner, found.findings]).toEqual([scanner, findings])
      },
      { timeout: 60_000, interval: 100 },
    )
    await rescanner.stop()
    const feed = await (await harness.request(`/v1/trainers/${name}/feed`)).text()
    expect(feed).toContain('acme/older 1.0.0: found after it was published')
  })
})
