import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readSecretFiles } from './secret-files.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'secret-files-'))
})
afterAll(async () => await rm(dir, { recursive: true, force: true }))

it('a secret is read from its file, without the line break at its end', async () => {
  const file = join(dir, 'url')
  await writeFile(file, 'postgres://a:b@c/d\n')
  expect(readSecretFiles({ DATABASE_URL_FILE: file, HOST: '0.0.0.0' })).toEqual({
    DATABASE_URL: 'postgres://a:b@c/d',
    HOST: '0.0.0.0',
  })
})

it('a file that is missing or empty, and a secret that is given twice, are named', async () => {
  const empty = join(dir, 'empty')
  await writeFile(empty, '\n')
  expect(() => readSecretFiles({ JWT_SECRET_FILE: empty })).toThrow(
    /JWT_SECRET_FILE is ".*empty", which is empty; expected/,
  )
  const missing = join(dir, 'missing')
  expect(() => readSecretFiles({ JWT_SECRET_FILE: missing })).toThrow(
    /JWT_SECRET_FILE is ".*missing", which cannot be read/,
  )
  expect(() => readSecretFiles({ JWT_SECRET: 'x', JWT_SECRET_FILE: empty })).toThrow(
    'JWT_SECRET and JWT_SECRET_FILE are both set; expected one of them',
  )
})

it('other variables that end with _FILE are left alone', () => {
  const env = { KUBERNETES_PROFILES_FILE: '/etc/profiles.json' }
  expect(readSecretFiles(env)).toEqual(env)
})
