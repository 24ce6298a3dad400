import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ValidationReport } from '@trainyard/contract'
import { createForkValidate, createLogger } from '@trainyard/registry'
import { expect, onTestFinished, test } from 'vitest'
import { testDatabaseUrl } from '../../packages/platform/src/testing/index.ts'
import { createHarness, endOfCheck, pushBundle, resultOf, tarGz } from '../../packages/registry/src/testing/harness.ts'
import { runCli } from '../../packages/validator/src/cli/run-cli.ts'
import { flaws, makeChanged } from '../../packages/validator/src/testing/flaws.ts'

/** Of several families, and of those that a sandbox, the data or the seed could hide. */
const LIES = ['TY303 users', 'TY407', 'TY601 tmp', 'TY604']

/** Nothing is replaced: the command line on one side, the worker of a registry on the other. Each chooses its seed. */
test('the command line and the registry run a pushed bundle with the same result', { timeout: 300_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-both-sides-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const folder = await makeChanged(
    LIES.join(', '),
    LIES.flatMap((name) => flaws[name]?.edits ?? []),
    dir,
  )
  const items = (await readdir(folder)).map(async (name) => ({ name, body: await readFile(join(folder, name)) }))
  const layer = await tarGz(await Promise.all(items))
  const bundle = join(dir, 'bundle.tar.gz')
  await writeFile(bundle, layer)

  const databaseUrl = testDatabaseUrl()
  const logger = createLogger({ name: 'test', level: 'silent' })
  const harness = await createHarness({
    validate: createForkValidate({ logger, databaseUrl, timeoutMs: 240_000 }),
    config: { checkTimeoutSeconds: 240 },
  })
  onTestFinished(() => harness.close())
  await harness.registry.start()
  const token = await harness.token(['push:fixtures', 'pull:fixtures'])
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'trainer.json'), 'utf8'))
  const pushed = await pushBundle(harness, {
    name: 'fixtures/nearest-colour',
    version: '1.0.0',
    token,
    layer,
    manifest,
  })

  let printed = ''
  const [exitCode, check] = await Promise.all([
    runCli({
      argv: [bundle, '--profile', 'marketplace', '--format', 'json'],
      env: { DATABASE_URL: databaseUrl },
      stdout: { write: (text) => (printed += text) },
      stderr: { write: () => undefined },
      version: '0.0.0',
    }),
    endOfCheck(harness, token, pushed),
  ])
  const report = ValidationReport.parse(JSON.parse(printed))
  const summary = (checks: ValidationReport['checks']) =>
    (['manifest', 'secrets', 'compliance'] as const).map((name) => {
      const { status, findings } = resultOf({ checks }, name)
      return [name, status, findings.map((one) => `${one.code} ${one.severity} ${one.fingerprint}`).toSorted()]
    })
  expect(summary(check.checks)).toEqual(summary(report.checks))
  expect([check.state, exitCode]).toEqual(['rejected', 1])
  const codes = new Set(resultOf(check, 'compliance').findings.map(({ code }) => code))
  expect([...codes]).toEqual(expect.arrayContaining(LIES.map((name) => name.slice(0, 5))))
})
