import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { testDatabaseUrl } from '../../testing/create-test-database.ts'
import { DEFAULT_AUTH } from '../config/auth-config.ts'
import { setupSecretCommand } from '../setup-secret-command.ts'
import { closeTestIdentities, openIdentityApi, PASSWORD } from '../testing/identity-api.ts'
import { prepareSetup } from './prepare-setup.ts'

const auth = { ...DEFAULT_AUTH, mode: 'required' } as const
const publicUrl = 'https://yard.test/'
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-setup-'))
})
afterEach(() => rm(folder, { recursive: true }))
afterAll(closeTestIdentities)

async function open() {
  const api = await openIdentityApi()
  await api.identity.database.db.deleteFrom('setup').execute()
  const signUp = (setupSecret: string | undefined) =>
    api.call('POST', '/v1/accounts', { email: 'ada@red.test', password: PASSWORD, setupSecret })
  const prepare = (dataDir = folder) => prepareSetup(api.identity, { auth, dataDir, publicUrl })
  return { ...api, signUp, prepare }
}
const secretIn = (text: string | undefined) =>
  /^https:\/\/yard\.test\/sign-up\?setup=(ty_[0-9a-f]+)$/m.exec(text ?? '')?.[1]

it('prints one link until the first account exists, and keeps its secret in a private file', async () => {
  const { prepare, signUp } = await open()
  const secret = secretIn(await prepare())
  expect(secretIn(await prepare())).toBe(secret)
  const file = join(folder, 'setup-secret')
  expect((await readFile(file, 'utf8')).trim()).toBe(secret)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await signUp(secret)).status).toBe(202)
  expect(await prepare()).toBeUndefined()
  expect(await readdir(folder)).toEqual([])
})

it('the link leads to the pages, also when they have another address', async () => {
  const { identity } = await open()
  const pagesUrl = 'https://pages.yard.test'
  const text = await prepareSetup(identity, { auth: { ...auth, pagesUrl }, dataDir: folder, publicUrl })
  expect(text).toContain('https://pages.yard.test/sign-up?setup=ty_')
})

it('replicas that start at the same time agree on one secret', async () => {
  const { prepare, signUp } = await open()
  const folders = await Promise.all([1, 2, 3].map(() => mkdtemp(join(folder, 'replica-'))))
  const texts = await Promise.all(folders.map((dataDir) => prepare(dataDir)))
  const secrets = texts.map(secretIn).filter((secret) => secret !== undefined)
  expect(secrets).toHaveLength(1)
  expect(texts.filter((text) => text?.includes('"trainyard-runner setup-secret"'))).toHaveLength(2)
  const files = await Promise.all(folders.map((dataDir) => readdir(dataDir)))
  expect(files.flat()).toEqual(['setup-secret'])
  expect((await signUp(secrets[0])).status).toBe(202)
})

it('replaces a file that others can read or that holds no secret', async () => {
  const { prepare } = await open()
  const file = join(folder, 'setup-secret')
  await writeFile(file, 'nonsense', { mode: 0o644 })
  expect(secretIn(await prepare())).toMatch(/^ty_/)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

it('is not needed by a server that belongs to its local owner', async () => {
  const { identity } = await open()
  expect(await prepareSetup(identity, { auth: DEFAULT_AUTH, dataDir: folder, publicUrl })).toBeUndefined()
  expect(await readdir(folder)).toEqual([])
})

it('a command replaces a secret that was lost', async () => {
  const { prepare, signUp, identity } = await open()
  const lost = secretIn(await prepare())
  const run = () =>
    setupSecretCommand({
      env: { DATABASE_URL: testDatabaseUrl(), PUBLIC_URL: publicUrl },
      schemaPrefix: identity.schema.replace(/identity$/, ''),
    })
  const secret = secretIn(await run())
  expect((await signUp(lost)).status).toBe(403)
  expect((await signUp(secret)).status).toBe(202)
  await expect(run()).rejects.toThrow('has an operator')
  await expect(setupSecretCommand({ env: {} })).rejects.toThrow('DATABASE_URL')
})
