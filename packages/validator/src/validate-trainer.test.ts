import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CheckResult } from '@trainyard/contract'
import { openDatabase } from '@trainyard/platform'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { validateTrainer } from './validate-trainer.ts'
import { exitCodeOf } from './verdict.ts'

const good = fileURLToPath(new URL('../fixtures/trainers/good', import.meta.url))
const databaseUrl = process.env.TEST_DATABASE_URL
let dir: string

// A copy, because processes of other tests would change the folder.
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'good-trainer-'))
  await cp(good, dir, { recursive: true })
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** A database of its own, as a registry's is that also holds people and their audit. */
async function createDatabase(url: string) {
  const name = `validator_${randomBytes(6).toString('hex')}`
  const admin = await openDatabase({ url, schema: 'public', migrations: {}, poolSize: 1 })
  await sql`create database ${sql.id(name)}`.execute(admin.db)
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    async schemas() {
      const database = await openDatabase({ url: own.href, schema: 'public', migrations: {}, poolSize: 1 })
      const schemas = await database.db.introspection.getSchemas()
      await database.close()
      return schemas.map((schema) => schema.name).filter((schema) => !/^(pg_|information_schema$)/.test(schema))
    },
    async drop() {
      await sql`drop database ${sql.id(name)} with (force)`.execute(admin.db)
      await admin.close()
    },
  }
}

test('a trainer in plain HTTP passes the marketplace profile, and leaves nothing in a database of people', {
  timeout: 170_000,
}, async () => {
  const seen: CheckResult[] = []
  const people = databaseUrl === undefined ? undefined : await createDatabase(databaseUrl)
  onTestFinished(async () => await people?.drop())
  const report = await validateTrainer({
    dir,
    profile: 'marketplace',
    seed: 11,
    databaseUrl: people?.url,
    onCheck: (check) => seen.push(check),
  })
  expect(report.checks.map(({ name, status, reason, findings }) => ({ name, status, reason, findings }))).toEqual(
    ['manifest', 'secrets', 'compliance'].map((name) => ({ name, status: 'passed', reason: undefined, findings: [] })),
  )
  expect(report).toMatchObject({ verdict: 'passed', trainer: { name: 'fixtures/nearest-colour', version: '1.0.0' } })
  expect(seen.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'manifest running',
    'manifest passed',
    'secrets running',
    'secrets passed',
    'compliance running',
    'compliance passed',
  ])
  const kinds = new Set(report.timeline.map(({ kind }) => kind))
  expect([...kinds].sort()).toEqual(['fault', 'http', 'process'])
  expect(JSON.stringify(report)).not.toMatch(/eyJ|signature=/i)
  // Above all no schema "identity": the audit there is the people's, and a check is none of their actions.
  if (people !== undefined) expect(await people.schemas()).toEqual(['public'])
})

test('on Windows the compliance run is not made, and the report gives the reason', async () => {
  const actual = Object.getOwnPropertyDescriptor(process, 'platform')
  onTestFinished(() => void Object.defineProperty(process, 'platform', actual ?? {}))
  Object.defineProperty(process, 'platform', { ...actual, value: 'win32' })
  const report = await validateTrainer({ dir, profile: 'author' })
  expect(report.checks.at(-1)).toMatchObject({
    name: 'compliance',
    status: 'skipped',
    reason: expect.stringMatching(/WSL/),
  })
  expect(exitCodeOf(report)).toBe(0)
})

test('an aborted validation stops the trainer and rejects with the reason', { timeout: 60_000 }, async () => {
  const off = new AbortController()
  const validation = validateTrainer({
    dir,
    phases: ['compliance'],
    databaseUrl,
    signal: off.signal,
    onProgress: (text) => {
      if (text === 'train') setTimeout(() => off.abort(new Error('aborted by the test')), 300)
    },
  })
  await expect(validation).rejects.toThrow('aborted by the test')
})

test('too little time is an errored check without findings', { timeout: 60_000 }, async () => {
  const report = await validateTrainer({ dir, phases: ['compliance'], databaseUrl, timeoutMs: 5000 })
  expect(report.verdict).toBe('failed')
  expect(report.checks.at(-1)).toMatchObject({ status: 'errored', findings: [] })
})

test('what .trainyardignore names is neither checked nor shown to the trainer, unless the folder is a bundle', {
  timeout: 170_000,
}, async () => {
  const own = await mkdtemp(join(tmpdir(), 'ignoring-trainer-'))
  onTestFinished(() => rm(own, { recursive: true, force: true }))
  await cp(good, own, { recursive: true })
  await writeFile(join(own, '.trainyardignore'), 'notes/\n')
  await mkdir(join(own, 'notes'))
  const secret = `const token = 'ghp_${'Qx7Zk2'.repeat(6)}'`
  await writeFile(join(own, 'notes', 'own.js'), secret)
  const statics = ['static', 'security'] as const
  const codes = async (isBundle: boolean) =>
    (await validateTrainer({ dir: own, phases: statics, isBundle })).checks.flatMap(({ findings }) =>
      findings.map(({ code }) => code),
    )
  expect(await codes(false)).toEqual([])
  expect(await codes(true)).toContain('TY301')
  const main = await readFile(join(own, 'main.js'), 'utf8')
  await writeFile(join(own, 'main.js'), `import './notes/own.js'\n${main}`)
  for (const choice of ['auto', 'off'] as const) {
    const report = await validateTrainer({ dir: own, phases: ['compliance'], sandbox: { choice }, databaseUrl })
    expect(report.checks[2]?.findings.map(({ code }) => code)).toContain('TY408')
  }
  // The dependencies of the environment too.
  await writeFile(join(own, '.trainyardignore'), 'notes/\nrequirements.txt\n')
  await writeFile(join(own, 'requirements.txt'), '')
  const manifest = JSON.parse(await readFile(join(own, 'trainer.json'), 'utf8')) as object
  const runtime = { python: '>=3.10', dependencies: 'requirements.txt' }
  await writeFile(join(own, 'trainer.json'), JSON.stringify({ ...manifest, runtime }))
  const { checks } = await validateTrainer({ dir: own, phases: ['compliance'], databaseUrl })
  expect(checks[2]?.findings).toMatchObject([{ code: 'TY411', message: expect.stringContaining('requirements.txt') }])
})

test('a trainer that needs more GPUs than this machine has is not checked, and not accused', async () => {
  const gpu = await mkdtemp(join(tmpdir(), 'gpu-trainer-'))
  onTestFinished(() => rm(gpu, { recursive: true, force: true }))
  await cp(good, gpu, { recursive: true })
  const manifest = JSON.parse(await readFile(join(gpu, 'trainer.json'), 'utf8')) as Record<string, unknown>
  await writeFile(join(gpu, 'trainer.json'), JSON.stringify({ ...manifest, resources: { gpu: 64 } }))
  const report = await validateTrainer({ dir: gpu, databaseUrl })
  expect(report.verdict).toBe('passed')
  expect(report.checks[2]).toMatchObject({
    status: 'skipped',
    reason: expect.stringMatching(/^the trainer needs 64 GPUs, and this machine has \d+$/),
    findings: [],
  })
})

test('a training that the time limit interrupts is not a finding', { timeout: 170_000 }, async () => {
  const slow = await mkdtemp(join(tmpdir(), 'slow-trainer-'))
  onTestFinished(() => rm(slow, { recursive: true, force: true }))
  await cp(good, slow, { recursive: true })
  const main = await readFile(join(slow, 'main.js'), 'utf8')
  const wait = 'await new Promise((done) => setTimeout(done, 90_000))'
  await writeFile(
    join(slow, 'main.js'),
    main.replace('  let metrics = {}', () => `  let metrics = {}\n  ${wait}`),
  )
  const report = await validateTrainer({ dir: slow, phases: ['compliance'], databaseUrl, timeoutMs: 20_000 })
  expect(report.checks[2]).toMatchObject({ status: 'errored', findings: [] })
  expect(exitCodeOf(report)).toBe(3)
})

test('without a valid manifest, the compliance run is skipped with the reason', async () => {
  const report = await validateTrainer({
    dir: fileURLToPath(new URL('../fixtures/TY102/fail', import.meta.url)),
    profile: 'marketplace',
    databaseUrl,
  })
  expect(report.verdict).toBe('failed')
  expect(report.checks[2]).toMatchObject({ status: 'skipped', reason: expect.stringContaining('manifest') })
})
