import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { CheckName } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createHarness,
  endOfCheck,
  type Harness,
  pushImage,
  resultOf,
  type TarItem,
  trainerManifest,
} from '../testing/harness.ts'

const run = promisify(execFile)
const { CLAMAV_SOCKET: clamd, TRIVY_SERVER_URL: serverUrl, TRIVY_PROGRAM: program } = process.env
const hasTrivy = await run(program ?? 'trivy', ['--version']).then(
  () => true,
  () => false,
)
const isReady = clamd !== undefined && serverUrl !== undefined && hasTrivy
if (!isReady)
  console.warn(
    'SKIPPED: the real scanners. Start clamd and set CLAMAV_SOCKET; start `trivy server`, set TRIVY_SERVER_URL, and put trivy in PATH or set TRIVY_PROGRAM',
  )

// Joined at run time, so that scanners of this repository do not report them.
const KEY_ID = ['AK', 'IAZ7QW3ERTY5UIOP2A'].join('')
const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('-')

const requests: TarItem = {
  name: 'usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA',
  body: 'Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\nLicense: Apache 2.0\n\n',
}

describe.skipIf(!isReady)('the checks of an image with ClamAV and Trivy', () => {
  let harness: Harness
  let token: string
  beforeAll(async () => {
    const trivy = { serverUrl, program }
    harness = await createHarness({ config: { scanners: { clamd, trivy, refuseFrom: 'LOW' } } })
    await harness.registry.start()
    token = await harness.token(['push:acme'])
  })
  afterAll(() => harness?.close())

  async function check(name: string, layers: readonly (readonly TarItem[])[]) {
    const manifest = [{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }]
    const pushed = await pushImage(harness, { name, version: '1.0.0', token, layers: [...layers, manifest] })
    const stored = await endOfCheck(harness, token, pushed)
    return { state: stored.state, result: (expected: CheckName) => resultOf(stored, expected) }
  }

  it('finds a key in a lower layer that a later one deletes, the EICAR file, and a package with a vulnerability', async () => {
    const { state, result } = await check('acme/planted', [
      [
        { name: 'root/key.env', body: `aws_access_key_id = ${KEY_ID}\n` },
        { name: 'app/eicar.com', body: EICAR },
      ],
      [{ name: 'root/.wh.key.env' }],
      [requests],
    ])
    expect(state).toBe('rejected')
    expect(result('secrets')).toMatchObject({
      status: 'failed',
      findings: [{ code: 'TY301', severity: 'error', file: '/root/key.env', line: 1 }],
    })
    expect(result('malware')).toMatchObject({
      status: 'failed',
      scanner: { name: 'ClamAV' },
      findings: [{ code: 'TY391', file: '/app/eicar.com', message: expect.stringMatching(/^malware: .*eicar/i) }],
    })
    expect(result('vulnerabilities')).toMatchObject({ status: 'failed', scanner: { name: 'Trivy' } })
    expect(result('vulnerabilities').findings).toContainEqual(
      expect.objectContaining({
        code: 'TY392',
        severity: 'error',
        file: `/${requests.name}`,
        message: expect.stringMatching(/^requests 2\.31\.0 has CVE-/),
        help: expect.stringMatching(/^Update requests to \d/),
      }),
    )
  })

  it('finds the EICAR file inside of an archive', async () => {
    const { result } = await check('acme/packed', [[{ name: 'app/data.gz', body: gzipSync(EICAR) }]])
    expect(result('malware').findings).toMatchObject([{ code: 'TY391', file: '/app/data.gz' }])
  })

  it('publishes a clean image', async () => {
    const { state, result } = await check('acme/clean', [
      [
        { name: 'app/train.py', body: 'print("train")\n' },
        {
          ...requests,
          name: requests.name.replaceAll('2.31.0', '99.0.0'),
          body: 'Name: requests\nVersion: 99.0.0\n\n',
        },
      ],
    ])
    const statuses = ['secrets', 'malware', 'sbom', 'vulnerabilities'].map((name) => result(name as CheckName).status)
    expect([state, ...statuses]).toEqual(['published', 'passed', 'passed', 'passed', 'passed'])
    expect(result('sbom').notes).toEqual(['1 packages were found'])
  })
})
