import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Check } from '@trainyard/contract'
import { createFolderStore, createLogger, listen, openIdentity } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { createRegistry, type ValidateFunction } from '@trainyard/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishTrainer, VersionExistsError } from '../files.ts'
import { createClient, TrainyardApiError } from '../index.ts'
import { createTrainerFolder, exampleManifest } from '../testing/test-trainer.ts'

/** The names under which the validator reports its phases. */
const CHECK_OF_PHASE = { static: 'manifest', security: 'secrets', compliance: 'compliance' } as const

/** Passes every trainer that has no file bad.txt. */
const validate: ValidateFunction = async ({ dir, phases, onCheck }) => {
  const bad = existsSync(join(dir, 'bad.txt'))
  const checks = phases.map((phase) => ({
    name: CHECK_OF_PHASE[phase],
    status: bad ? ('failed' as const) : ('passed' as const),
    findings: bad ? [badFinding] : [],
  }))
  for (const check of checks) onCheck(check)
  return { verdict: bad ? 'failed' : 'passed', profile: 'marketplace', seed: 1, durationMs: 1, checks, timeline: [] }
}
const badFinding = {
  code: 'TY001',
  severity: 'error' as const,
  message: 'bad.txt is bad',
  fingerprint: 'bad',
  help: 'Remove it.',
  docsUrl: 'https://trainyard.dev/rules/TY001',
}

let registryUrl = ''
let token = ''
/** May manage tokens, too. */
let managerToken = ''
const closing: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-publish-test-'))
  const schema = `test_${randomBytes(6).toString('hex')}`
  const databaseUrl = testDatabaseUrl()
  const logger = createLogger({ name: 'test', level: 'silent' })
  const config = {
    publicUrl: 'http://127.0.0.1:1',
    databaseUrl,
    databaseSchema: schema,
    dataDir: dir,
    tokenSeconds: 300,
    checkConcurrency: 1,
    checkTimeoutSeconds: 60,
    checkLeaseSeconds: 30,
    checkTries: 3,
    pollMs: 100,
    plainNamespaces: [],
    redirectPulls: false,
    maxBundleBytes: 64 * 1024 ** 2,
    uploadSeconds: 3600,
    collectSeconds: 600,
    collectDelaySeconds: 86_400,
  }
  const identity = await openIdentity({ url: databaseUrl, schemaPrefix: `${schema}_`, logger })
  const store = createFolderStore({ dir: join(dir, 'store'), publicUrl: config.publicUrl, secret: 'a secret of tests' })
  const registry = await createRegistry({ config, store, identity, logger, validate })
  const server = await listen(registry.app, { port: 0 })
  // The registry builds the address of its token endpoint from it.
  config.publicUrl = server.url
  registryUrl = server.url
  await registry.start()
  token = (await identity.createToken({ owner: 'ada', name: 'test', scopes: ['push:acme'] })).secret
  const scopes = ['push:acme', 'tokens:manage']
  managerToken = (await identity.createToken({ owner: 'ada', name: 'manager', scopes })).secret
  const dropSchema = (name: string) =>
    registry.context.database.db.schema.dropSchema(name).ifExists().cascade().execute()
  closing.push(
    () => server.close(),
    () => dropSchema(identity.schema),
    () => dropSchema(schema),
    () => registry.stop(),
    () => identity.close(),
    () => rm(dir, { recursive: true, force: true }),
  )
})
afterAll(async () => {
  for (const close of closing) await close()
})

async function follow(checkId: string | undefined): Promise<Check | undefined> {
  let last: Check | undefined
  for await (const check of createClient({ registryUrl, token }).checks.live(checkId ?? '')) last = check
  return last
}

test('pushes a trainer to a real registry, which checks it and resolves it', async () => {
  await using folder = await createTrainerFolder({ 'README.md': '# Tiny', 'weights.bin': 'x'.repeat(300_000) })
  const result = await publishTrainer({ dir: folder.dir, registryUrl, token })
  const check = await follow(result.checkId)
  expect(check).toMatchObject({ state: 'published', trainer: 'acme/tiny', version: '1.2.0', digest: result.digest })

  const client = createClient({ registryUrl })
  expect(await client.trainers.resolve('acme/tiny', '^1')).toMatchObject({ version: '1.2.0', digest: result.digest })
  expect((await client.trainers.list({ q: 'tiny' })).trainers.map(({ name }) => name)).toEqual(['acme/tiny'])
  expect(await client.trainers.get('acme/tiny')).toMatchObject({ readme: '# Tiny', latestVersion: '1.2.0' })

  const again = await publishTrainer({ dir: folder.dir, registryUrl, token })
  expect(again.digest).toBe(result.digest)
  await writeFile(join(folder.dir, 'train.mjs'), 'changed')
  await expect(publishTrainer({ dir: folder.dir, registryUrl, token })).rejects.toThrow(VersionExistsError)
})

test('shows the findings of a rejected trainer only to its owner', async () => {
  const manifest = { ...exampleManifest, name: 'acme/bad' }
  await using folder = await createTrainerFolder({ 'trainer.json': JSON.stringify(manifest), 'bad.txt': '' })
  const { checkId } = await publishTrainer({ dir: folder.dir, registryUrl, token })
  const check = await follow(checkId)
  expect(check?.state).toBe('rejected')
  expect(check?.checks.flatMap(({ findings }) => findings)).toContainEqual(badFinding)
  await expect(createClient({ registryUrl }).trainers.resolve('acme/bad')).rejects.toThrow(TrainyardApiError)
})

test('pushes a rejected number again, with other content', async () => {
  const manifest = { ...exampleManifest, name: 'acme/second-try' }
  await using folder = await createTrainerFolder({ 'trainer.json': JSON.stringify(manifest), 'bad.txt': '' })
  const first = await publishTrainer({ dir: folder.dir, registryUrl, token })
  expect((await follow(first.checkId))?.state).toBe('rejected')
  await rm(join(folder.dir, 'bad.txt'))
  const second = await publishTrainer({ dir: folder.dir, registryUrl, token })
  expect(second.digest).not.toBe(first.digest)
  expect((await follow(second.checkId))?.state).toBe('published')
})

test('passes on the refusal of a token of another namespace', async () => {
  await using folder = await createTrainerFolder({
    'trainer.json': JSON.stringify({ ...exampleManifest, name: 'umbrella/tiny' }),
  })
  await expect(publishTrainer({ dir: folder.dir, registryUrl, token })).rejects.toThrow(/umbrella/)
})

test('creates, lists and revokes tokens, with a token that may manage them', async () => {
  await expect(createClient({ registryUrl, token }).tokens.list()).rejects.toMatchObject({ status: 403 })
  const client = createClient({ registryUrl, token: managerToken })
  const created = await client.tokens.create({ name: 'ci', scopes: ['push:acme'], expiresInDays: 1 })
  expect(created.secret).toMatch(/^ty_/)
  expect((await client.tokens.list()).map(({ id }) => id)).toContain(created.id)
  await client.tokens.revoke(created.id)
  await expect(createClient({ registryUrl, token: created.secret }).tokens.list()).rejects.toMatchObject({
    status: 401,
  })
})
