/** Runs the image of the validator: `npm test -- --project deploy`. It needs Docker and the image that VALIDATOR_IMAGE names. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ValidationReport } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixtures, makeFlawed } from '../../packages/validator/src/testing/flaws.ts'
import { VERSION } from '../../packages/validator/src/version.ts'

const run = promisify(execFile)
const { VALIDATOR_IMAGE: IMAGE = `trainyard/validator:${VERSION}` } = process.env
const isReady = await run('docker', ['image', 'inspect', IMAGE]).then(
  () => true,
  () => false,
)
if (!isReady)
  console.warn(
    `SKIPPED: the image of the validator. It needs a Docker engine that has ${IMAGE}: docker build --file deploy/validator/Dockerfile --tag ${IMAGE} .`,
  )

describe.skipIf(!isReady)('the image of the validator', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-validator-image-'))
    await chmod(dir, 0o755)
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  /** Validates a folder, which the container cannot write, without any network. */
  async function validate(folder: string, ...args: string[]) {
    await chmod(folder, 0o755)
    const options = ['run', '--rm', '--network', 'none', '--volume', `${folder}:/work:ro`]
    const ended = await run('docker', [...options, IMAGE, '.', '--format', 'json', ...args], {
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: { code: number; stdout: string; stderr: string }) => error)
    if (ended.stdout === '') throw new Error(ended.stderr)
    const report = JSON.parse(ended.stdout) as ValidationReport
    const codes = [...new Set(report.checks.flatMap(({ findings }) => findings.map(({ code }) => code)))]
    return { exitCode: 'code' in ended ? ended.code : 0, verdict: report.verdict, codes, report }
  }

  async function copyGood(): Promise<string> {
    const folder = join(dir, 'good')
    await cp(join(fixtures, 'good'), folder, { recursive: true })
    return folder
  }

  test('is the version that it names, and runs as a user without rights', async () => {
    const { stdout } = await run('docker', ['run', '--rm', IMAGE, '--version'])
    expect(stdout).toContain(VERSION)
    const { stdout: user } = await run('docker', ['image', 'inspect', '--format', '{{.Config.User}}', IMAGE])
    expect(user.trim()).toBe('65532:65532')
  })

  test('passes an honest trainer, and runs it', { timeout: 300_000 }, async () => {
    const { exitCode, verdict, codes, report } = await validate(await copyGood(), '--sandbox', 'off', '--seed', '7')
    expect([exitCode, verdict, codes]).toEqual([0, 'passed', []])
    expect(report.checks.map(({ name, status }) => [name, status])).toEqual([
      ['manifest', 'passed'],
      ['secrets', 'passed'],
      ['compliance', 'passed'],
    ])
  })

  test('finds a lie', { timeout: 300_000 }, async () => {
    const { exitCode, codes } = await validate(await makeFlawed('TY603', dir), '--sandbox', 'off', '--seed', '7')
    expect([exitCode, codes]).toEqual([1, ['TY603']])
  })

  test('notes that the container is the only sandbox', { timeout: 300_000 }, async () => {
    const { report } = await validate(await copyGood(), '--seed', '7')
    const compliance = report.checks.find(({ name }) => name === 'compliance')
    expect(compliance).toMatchObject({ status: 'passed', notes: [expect.stringMatching(/not sandboxed/)] })
  })
})
