import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ResolvedTrainer, TrainerManifest } from '@trainyard/contract'
import { type Listening, listen, problemResponse, TrainyardError } from '@trainyard/platform'
import { Hono } from 'hono'
import { packTar } from 'modern-tar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PLAIN_TRAINER_DIR } from '../testing/harness.ts'
import { createRegistryTrainerSource } from './registry-source.ts'
import type { TrainerSource } from './source.ts'

describe('trainers from a registry', () => {
  let cacheDir: string
  let server: Listening
  let source: TrainerSource
  let archive: Uint8Array<ArrayBuffer>
  let served: Uint8Array<ArrayBuffer>
  let resolved: ResolvedTrainer
  let downloads = 0
  let authorization: string | undefined
  let trace: string | undefined

  beforeEach(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'trainyard-bundles-'))
    const text = await readFile(join(PLAIN_TRAINER_DIR, 'trainer.json'), 'utf8')
    const entry = (name: string, body: string) => ({
      header: { name, size: Buffer.byteLength(body), type: 'file' as const, mode: 0o755 },
      body,
    })
    archive = new Uint8Array(await packTar([entry('trainer.json', text), entry('bin/run.sh', '#!/bin/sh\n')]))
    served = archive
    downloads = 0
    const app = new Hono()
    app.get('/v1/trainers/acme/plain/resolve', (c) => {
      authorization = c.req.header('authorization')
      trace = c.req.header('traceparent')
      if (c.req.query('range') === '^9')
        return problemResponse(
          new TrainyardError('unprocessable', 'no version of acme/plain fits "^9"; there is 1.2.3'),
        )
      return c.json(resolved)
    })
    app.get('/blob', (c) => {
      downloads++
      return c.body(served)
    })
    app.get('/v1/trainers/acme/none/resolve', () =>
      problemResponse(new TrainyardError('not_found', 'there is no acme/none')),
    )
    app.get('/v1/trainers/acme/broken/resolve', (c) => c.text('<html>', 200))
    server = await listen(app, { port: 0 })
    const digest = `sha256:${createHash('sha256').update(archive).digest('hex')}`
    resolved = {
      name: 'acme/plain',
      version: '1.2.3',
      digest,
      manifest: TrainerManifest.parse(JSON.parse(text)),
      bundle: { digest, sizeBytes: archive.byteLength, url: '/blob' },
    }
    source = createRegistryTrainerSource({ registryUrl: server.url, cacheDir, token: 'ty_secret' })
  })
  afterEach(async () => {
    await server.close()
    await rm(cacheDir, { recursive: true, force: true })
  })

  it('are resolved with the token, and in the trace of the job', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    expect(await source.resolve('acme/plain@^1', { traceparent })).toEqual(resolved)
    expect([authorization, trace]).toEqual(['Bearer ty_secret', traceparent])
    await source.resolve('acme/plain@^1')
    expect(trace).toBeUndefined()
  })

  it('are fetched once for concurrent jobs, and are read-only', async () => {
    const dirs = await Promise.all(Array.from({ length: 5 }, () => source.fetchBundle(resolved)))
    expect(new Set(dirs.map(({ dir }) => dir)).size).toBe(1)
    expect(downloads).toBe(1)
    const dir = dirs[0]?.dir ?? ''
    expect((await readdir(dir)).sort()).toEqual(['bin', 'trainer.json'])
    await source.fetchBundle(resolved)
    expect(downloads).toBe(1)
    expect(await readdir(cacheDir)).toHaveLength(1)
    await chmod(dir, 0o755)
  })

  it('can be fetched by two runners that share a cache', async () => {
    const other = createRegistryTrainerSource({ registryUrl: server.url, cacheDir })
    const [one, two] = await Promise.all([source.fetchBundle(resolved), other.fetchBundle(resolved)])
    expect(one).toEqual(two)
    expect(await readdir(cacheDir)).toHaveLength(1)
  })

  it.each([
    ['other bytes', (bytes: Uint8Array) => bytes.map((byte, index) => (index === 600 ? byte ^ 1 : byte))],
    ['fewer bytes', (bytes: Uint8Array) => bytes.slice(0, -512)],
    ['more bytes', (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(512)])],
  ])('are refused when %s come than the digest says, and leave nothing', async (_, spoil) => {
    served = new Uint8Array(spoil(archive))
    await expect(source.fetchBundle(resolved)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await readdir(cacheDir)).toEqual([])
    served = archive
    await expect(source.fetchBundle(resolved)).resolves.toBeDefined()
  })

  it.each([
    ['acme/none', 'not_found', 'there is no acme/none'],
    ['acme/plain@^9', 'unprocessable', 'there is 1.2.3'],
    ['plain', 'unprocessable', 'namespace/name'],
    ['a/b/c', 'unprocessable', 'namespace/name'],
    ['acme/broken', 'unavailable', 'is not valid'],
  ])('say about %s: %s', async (reference, code, words) => {
    await expect(source.resolve(reference)).rejects.toMatchObject({ code, detail: expect.stringContaining(words) })
  })

  it('are unavailable when the registry does not respond', async () => {
    await server.close()
    await expect(source.resolve('acme/plain')).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  })
})
