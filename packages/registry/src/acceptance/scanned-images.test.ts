import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckResult, Sbom, TrainerVersion } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeClamd, startFakeClamd } from '../testing/fake-clamd.ts'
import {
  createHarness,
  endOfCheck,
  type Harness,
  pushImage,
  pushIndex,
  resultOf,
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

  it('gives the list of packages of a version to those who may see the version', async () => {
    const pillow = [{ name: 'lib/pillow.dist-info/METADATA', body: 'Name: pillow\nVersion: 11.0.0\n\n' }]
    expect((await check('acme/listed', [pillow])).state).toBe('published')
    const path = '/v1/trainers/acme/listed/versions/1.0.0'
    const version = TrainerVersion.parse(await (await harness.request(path)).json())
    expect(version.sboms).toEqual([{ part: 'image', packages: 1 }])
    for (const query of ['', '?part=image']) {
      const response = await harness.request(`${path}/sbom${query}`)
      expect(response.headers.get('content-type')).toBe('application/vnd.cyclonedx+json; version=1.6')
      expect(Sbom.parse(await response.json()).components).toMatchObject([{ name: 'pillow', version: '11.0.0' }])
    }
    const none = await harness.request(`${path}/sbom?part=bundle`)
    expect([none.status, await none.json()]).toMatchObject([
      404,
      { detail: expect.stringContaining('"acme/listed" 1.0.0 has no list of packages for its bundle') },
    ])

    const key = [{ name: 'root/key.env', body: `id = ${KEY_ID}\n` }]
    expect((await check('acme/hidden', [pillow, key])).state).toBe('rejected')
    const hidden = '/v1/trainers/acme/hidden/versions/1.0.0/sbom'
    const other = await harness.token(['push:other'], 'eve')
    const statuses = [undefined, other, token].map(
      async (who) => (await harness.request(hidden, { token: who })).status,
    )
    expect(await Promise.all(statuses)).toEqual([404, 404, 200])
  })

  it('reads every image of an index, and refuses images that hold different manifests', async () => {
    const image = (name: string, architecture: string, layers: TarItem[][], description = 'A tiny trainer') => {
      const body = JSON.stringify(trainerManifest(name, '1.0.0', { description }))
      return { name, version: '1.0.0', token, architecture, layers: [...layers, [{ name: 'trainer.json', body }]] }
    }
    const pushed = async (...images: ReturnType<typeof image>[]) =>
      await endOfCheck(harness, token, await pushIndex(harness, images))
    const same = await pushed(image('acme/both', 'amd64', []), image('acme/both', 'arm64', []))
    expect(same.state).toBe('published')
    expect(resultOf(same, 'image').notes).toEqual(['platforms: linux/amd64, linux/arm64'])

    const others = [image('acme/differ', 'amd64', []), image('acme/differ', 'arm64', [], 'Another')]
    const different = await pushed(...others)
    expect(different.state).toBe('rejected')
    expect(resultOf(different, 'manifest').findings).toMatchObject([
      { code: 'TY193', message: 'the image for linux/arm64 holds another manifest than that for linux/amd64' },
    ])

    const key = [{ name: 'root/key.env', body: `id = ${KEY_ID}\n` }]
    const second = await pushed(image('acme/second', 'amd64', []), image('acme/second', 'arm64', [key]))
    expect(second.state).toBe('rejected')
    expect(resultOf(second, 'secrets').findings).toMatchObject([{ code: 'TY301', file: '/root/key.env' }])
  })

  it('warns of a name and password in an address below /usr/lib, and refuses one in the files of the author', async () => {
    // Joined at run time, so that scanners of this repository do not report it.
    const address = ['https://ada:Zk29xPq7Lm', 'registry.acme.com/x'].join('@')
    const file = (name: string) => [{ name, body: `proxy = "${address}"\n` }]
    const ofSystem = await check('acme/commented', [file('usr/lib/python3/proxy.py')])
    expect(ofSystem.result('secrets')).toMatchObject({
      status: 'passed',
      findings: [{ code: 'TY301', severity: 'warning', file: '/usr/lib/python3/proxy.py' }],
    })
    const own = await check('acme/password', [file('app/proxy.py')])
    expect(own.result('secrets')).toMatchObject({
      status: 'failed',
      findings: [{ code: 'TY301', severity: 'error', file: '/app/proxy.py' }],
    })
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
