import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createStore, readStoreConfig } from './create-store.ts'

const S3 = { S3_ENDPOINT: 'http://127.0.0.1:9000', S3_BUCKET: 'b', AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' }

describe('readStoreConfig', () => {
  it('selects S3 when S3_ENDPOINT is set', () => {
    expect(readStoreConfig({ ...S3, S3_PUBLIC_ENDPOINT: 'https://s3.example.org' })).toEqual({
      kind: 's3',
      endpoint: 'http://127.0.0.1:9000',
      publicEndpoint: 'https://s3.example.org',
      bucket: 'b',
      region: 'us-east-1',
      accessKeyId: 'k',
      secretAccessKey: 's',
      forcePathStyle: true,
      urlSeconds: 3600,
    })
  })

  it('selects a folder otherwise, with the defaults of the caller', () => {
    const defaults = { dir: '/data', publicUrl: 'http://127.0.0.1:7600', secret: 'a secret of the tests' }
    expect(readStoreConfig({}, defaults)).toEqual({ kind: 'folder', ...defaults, urlSeconds: 3600 })
    expect(readStoreConfig({ STORAGE_DIR: '/other' }, defaults)).toMatchObject({ dir: '/other' })
  })

  it.each([
    ['S3', S3],
    ['a folder', {}],
  ])('sets how long URLs to read an object work: %s', async (_, env) => {
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-create-'))
    const defaults = { dir, publicUrl: 'http://127.0.0.1:7600', secret: 'a secret of the tests' }
    const { store } = createStore(readStoreConfig({ ...env, STORAGE_URL_SECONDS: '120' }, defaults))
    const inSeconds = async (expiresInSeconds?: number) =>
      (Date.parse((await store.signGet('key', { expiresInSeconds })).expiresAt) - Date.now()) / 1000
    expect(await inSeconds()).toBeLessThanOrEqual(121)
    expect(await inSeconds(900)).toBeGreaterThan(121)
    expect(() => readStoreConfig({ ...env, STORAGE_URL_SECONDS: '5' }, defaults)).toThrow('STORAGE_URL_SECONDS')
    await rm(dir, { recursive: true, force: true })
  })

  it('names the missing variables', () => {
    expect(() => readStoreConfig({ S3_ENDPOINT: 'http://h' })).toThrow(
      /S3_BUCKET is required[\s\S]*AWS_ACCESS_KEY_ID is required/,
    )
    expect(() => readStoreConfig({})).toThrow(/STORAGE_DIR is required/)
  })
})

describe('createStore', () => {
  it('serves an app for a folder and none for S3, and reports a folder that cannot be used', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-create-'))
    const folder = {
      kind: 'folder' as const,
      dir: join(dir, 'store'),
      publicUrl: 'http://x.test',
      secret: 'a secret of the tests',
    }
    expect(createStore(folder).app).toBeDefined()
    expect(createStore(readStoreConfig(S3)).app).toBeUndefined()
    await writeFile(join(dir, 'file'), '')
    expect(() => createStore({ ...folder, dir: join(dir, 'file') })).toThrow(
      /cannot be used for the object store \(STORAGE_DIR\)/,
    )
    await rm(dir, { recursive: true, force: true })
  })
})
