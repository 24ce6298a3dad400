import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckResult } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeClamd, startFakeClamd } from '../testing/fake-clamd.ts'
import {
  createHarness,
  endOfCheck,
  type Harness,
  pushImage,
  type TarItem,
  trainerManifest,
} from '../testing/harness.ts'

// Joined at run time, so that scanners of this repository do not report it.
const KEY_ID = ['AK', 'IAZ7QW3ERTY5UIOP2A'].join('')

/** What Trivy answers; the real one is asked in the suite of scanners. */
const TRIVY = `#!/bin/sh
if [ "$1" = version ]; then echo '{"Version":"0.74.0","VulnerabilityDB":{"UpdatedAt":"'$(cat "$(dirname "$0")/updated")'"}}'; exit; fi
for file; do :; done
grep -q '"requests"' "$file" || { echo '{}'; exit; }
echo '{"Results":[{"Target":"Python","Vulnerabilities":[{"VulnerabilityID":"CVE-2099-0001","PkgName":"requests","InstalledVersion":"2.31.0","FixedVersion":"2.32.0","Severity":"CRITICAL","Title":"a hole"}]}]}'
`

describe('the checks of an image with scanners', () => {
  let dir: string
  let clamd: FakeClamd
  let harness: Harness
  let token: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-scanners-'))
    await writeFile(join(dir, 'trivy'), TRIVY)
    await chmod(join(dir, 'trivy'), 0o755)
    await writeFile(join(dir, 'updated'), new Date().toISOString())
    clamd = await startFakeClamd((text) => (text.includes('virus') ? 'stream: Eicar FOUND' : 'stream: OK'))
    harness = await createHarness({
      config: { scanners: { clamd: clamd.address, trivy: { program: join(dir, 'trivy') } } },
    })
    await harness.registry.start()
    token = await harness.token(['push:acme'])
  })
  afterAll(async () => {
    await harness.close()
    await clamd.close()
    await rm(dir, { recursive: true, force: true })
  })

  async function check(name: string, layers: readonly (readonly TarItem[])[]) {
    const manifest = [{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }]
    const pushed = await pushImage(harness, { name, version: '1.0.0', token, layers: [...layers, manifest] })
    const { state, checks } = await endOfCheck(harness, token, pushed)
    const result = (expected: string): CheckResult => checks.find((one) => one.name === expected) as CheckResult
    return { state, result }
  }

  it('rejects a key that a later layer deletes, a virus, and a vulnerable package, each with its layer and file', async () => {
    const { state, result } = await check('acme/bad', [
      [
        { name: 'root/key.env', body: `id = ${KEY_ID}\n` },
        { name: 'app/tool', body: 'a virus' },
      ],
      [{ name: 'root/.wh.key.env' }],
      [{ name: 'usr/lib/requests.dist-info/METADATA', body: 'Name: requests\nVersion: 2.31.0\n\n' }],
    ])
    expect(state).toBe('rejected')
    expect(result('secrets')).toMatchObject({
      status: 'failed',
      findings: [{ code: 'TY301', file: '/root/key.env', line: 1 }],
    })
    expect(result('malware')).toMatchObject({
      status: 'failed',
      scanner: { name: 'ClamAV', version: '1.4.2' },
      findings: [{ code: 'TY391', file: '/app/tool', message: 'malware: Eicar' }],
    })
    expect(result('sbom')).toMatchObject({ status: 'passed', notes: ['1 packages were found'] })
    expect(result('vulnerabilities')).toMatchObject({
      status: 'failed',
      findings: [{ code: 'TY392', severity: 'error', help: 'Update requests to 2.32.0.' }],
    })
    for (const name of ['secrets', 'malware']) expect(result(name).findings[0]?.layer).toMatch(/^sha256:/)
    expect(JSON.stringify(result('secrets'))).not.toContain(KEY_ID)
  })

  it('publishes a clean image, and does not scan a layer again that it has scanned', async () => {
    const base = [{ name: 'base/file', body: 'of the base' }]
    expect((await check('acme/clean', [base])).state).toBe('published')
    const before = clamd.received.filter((text) => text === 'of the base').length
    const { state, result } = await check('acme/clean-too', [base])
    expect([state, result('malware').status, before]).toEqual(['published', 'passed', 1])
    expect(clamd.received.filter((text) => text === 'of the base')).toHaveLength(1)
  })

  it('does not count packages that a later layer replaced', async () => {
    const metadata = (version: string) => [
      { name: 'lib/requests.dist-info/METADATA', body: `Name: requests\nVersion: ${version}\n\n` },
    ]
    const { result } = await check('acme/replaced', [metadata('2.31.0'), [{ name: 'lib/.wh.requests.dist-info' }]])
    expect(result('sbom').notes).toEqual(['0 packages were found'])
    expect(result('vulnerabilities').status).toBe('passed')
  })

  it('refuses a layer that engines apply in different ways, and names the entry', async () => {
    const { state, result } = await check('acme/twoways', [
      [{ name: 'app', type: 'symlink', linkname: 'etc' }],
      [{ name: 'app/x', body: 'x' }],
    ])
    expect(state).toBe('rejected')
    expect(result('manifest')).toMatchObject({ status: 'failed', findings: [{ code: 'TY292' }] })
    expect(result('manifest').findings[0]?.message).toContain('/app/x below /app')
    expect(result('sbom').status).toBe('skipped')
  })

  it('is "not scanned" with an old database, and while the scanner does not answer', async () => {
    await writeFile(join(dir, 'updated'), '2020-01-01T00:00:00Z')
    const old = await check('acme/old-database', [])
    expect(old.result('vulnerabilities')).toMatchObject({ status: 'skipped' })
    expect(old.result('vulnerabilities').reason).toMatch(/not scanned: the database of Trivy .* older than 7 days/)
    await rm(join(dir, 'trivy'))
    await clamd.close()
    const gone = await check('acme/no-scanner', [])
    expect(gone.result('vulnerabilities').reason).toMatch(/not scanned: Trivy failed/)
    expect(gone.result('malware').reason).toMatch(/not scanned: ClamAV at .* ECONNREFUSED/)
    expect(gone.result('malware').status).toBe('skipped')
  })
})
