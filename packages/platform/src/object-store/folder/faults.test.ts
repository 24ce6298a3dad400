import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { TrainyardError } from '../../errors.ts'
import { createLogger } from '../../log.ts'
import { createFailingFiles } from '../../testing/failing-files.ts'
import { collect } from '../object-store.cases.ts'
import { createFolderStore, type FolderStore } from './folder-store.ts'

const OLD = Buffer.alloc(3000, 'old ')
const NEW = Buffer.alloc(5000, 'new ')
const KEY = 'a/b/key'

/** One operation of the store. `T` is what was prepared for it. */
interface Operation {
  prepare(store: FolderStore): Promise<string>
  run(store: FolderStore, prepared: string): Promise<unknown>
  /**
   * What can be stored after a fault: the bytes of `KEY`, or undefined when it does not exist. New bytes can be stored
   * although their folder could not be synced: the call fails all the same.
   */
  after: readonly (Buffer | undefined)[]
  /** What is stored after a retry. */
  result: Buffer | undefined
}

const nothing = async () => ''

async function openUpload(store: FolderStore): Promise<string> {
  return (await store.createMultipart(KEY)).uploadId
}

async function uploadParts(store: FolderStore): Promise<string> {
  const uploadId = await openUpload(store)
  await store.putPart(KEY, uploadId, 1, NEW.subarray(0, 2000))
  await store.putPart(KEY, uploadId, 2, NEW.subarray(2000))
  return uploadId
}

async function signedPut(store: FolderStore): Promise<void> {
  const { url } = await store.signPut(KEY, { sizeBytes: NEW.length })
  const response = await store.app.request(url, { method: 'PUT', body: NEW })
  if (response.ok) return
  expect(await response.json()).toMatchObject({ status: 503, code: 'storage_unavailable', retryable: true })
  throw new Error('the request was refused')
}

const OPERATIONS: Record<string, Operation> = {
  'put of a new object': {
    prepare: nothing,
    run: (store) => store.put(KEY, NEW),
    after: [undefined, NEW],
    result: NEW,
  },
  'put over an object': {
    prepare: async (store) => (await store.put(KEY, OLD)).etag,
    run: (store) => store.put(KEY, NEW),
    after: [OLD, NEW],
    result: NEW,
  },
  'signed PUT': { prepare: nothing, run: signedPut, after: [undefined, NEW], result: NEW },
  'start of an upload': { prepare: nothing, run: openUpload, after: [undefined], result: undefined },
  'part of an upload': {
    prepare: openUpload,
    run: (store, id) => store.putPart(KEY, id, 1, NEW),
    after: [undefined],
    result: undefined,
  },
  'list of parts': {
    prepare: uploadParts,
    run: async (store, id) => expect(await store.listParts(KEY, id)).toHaveLength(2),
    after: [undefined],
    result: undefined,
  },
  'completion of an upload': {
    prepare: uploadParts,
    run: async (store, id) => store.completeMultipart(KEY, id, await store.listParts(KEY, id)),
    after: [undefined, NEW],
    result: NEW,
  },
  'abort of an upload': {
    prepare: uploadParts,
    run: (store, id) => store.abortMultipart(KEY, id),
    after: [undefined],
    result: undefined,
  },
  rename: {
    prepare: async (store) => (await store.put('from/key', NEW)).etag,
    // A rename whose folder could not be synced has happened: then the retry finds it done.
    run: (store) =>
      store.rename('from/key', KEY).catch(async (error: TrainyardError) => {
        if (error.code !== 'not_found' || (await store.find(KEY)) === undefined) throw error
      }),
    after: [undefined, NEW],
    result: NEW,
  },
  delete: {
    prepare: async (store) => (await store.put(KEY, OLD)).etag,
    run: (store) => store.delete(KEY),
    after: [OLD],
    result: undefined,
  },
  'deletion of a prefix': {
    prepare: async (store) => (await store.put(KEY, OLD)).etag,
    run: (store) => store.deletePrefix('a/'),
    after: [OLD],
    result: undefined,
  },
  get: {
    prepare: async (store) => (await store.put(KEY, OLD)).etag,
    run: async (store) => expect(await collect((await store.get(KEY)).body)).toEqual(OLD),
    after: [OLD],
    result: OLD,
  },
  list: {
    prepare: async (store) => (await store.put(KEY, OLD)).etag,
    run: async (store) => {
      const sizes: number[] = []
      for await (const { sizeBytes } of store.list('')) sizes.push(sizeBytes)
      expect(sizes).toEqual([OLD.length])
    },
    after: [OLD],
    result: OLD,
  },
}

const dirs: string[] = []
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
})

async function readKey(store: FolderStore): Promise<Buffer | undefined> {
  return (await store.find(KEY)) === undefined ? undefined : await collect((await store.get(KEY)).body)
}

/** The files and folders of uploads, and temporary files. An empty folder below `objects` holds nothing. */
async function listLeftovers(dir: string): Promise<string[]> {
  const paths = (await readdir(dir, { recursive: true })).filter((path) => path.includes('/'))
  return paths.filter((path) => !path.startsWith('objects/') || path.endsWith('%'))
}

/** Runs the operation with a fault at the `call`-th call. Returns false when the operation has fewer calls. */
async function runWithFault({ prepare, run, after, result }: Operation, call: number, code: string): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-faults-'))
  dirs.push(dir)
  const files = createFailingFiles()
  const { fileSystem } = files
  const logger = createLogger({ name: 'test', level: 'silent' })
  const options = { dir, publicUrl: 'http://store.test', secret: 'a secret of the tests', fileSystem, logger }
  const store = createFolderStore(options)
  const prepared = await prepare(store)

  files.arm(call, code)
  const error = await run(store, prepared).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const failedCall = files.disarm()
  const about = `after ${code} in ${failedCall}, call ${call}: ${error}`
  if (error === undefined) expect([await readKey(store)], about).toEqual([result])
  else expect(after, about).toContainEqual(await readKey(store))
  if (error !== undefined) {
    expect(String(error), about).toMatch(/injected fault|refused/)
    expect(await run(store, prepared).then(() => 'retried'), about).toBe('retried')
    expect([await readKey(store)], about).toEqual([result])
  }
  expect(files.openFiles(), about).toBe(0)
  await store.abortMultipart(KEY, prepared === '' ? 'none' : prepared)
  await store.delete(KEY)
  return failedCall !== undefined
}

describe.each(Object.keys(OPERATIONS))('a %s during which one call of the file system fails', (name) => {
  it.each(['ENOSPC', 'EIO', 'EMFILE'])('is complete or has no effect, and can be retried (%s)', async (code) => {
    const operation = OPERATIONS[name]
    if (operation === undefined) throw new Error(`no operation "${name}"`)
    let calls = 0
    while (await runWithFault(operation, calls + 1, code)) calls++
    // Without faults in it, this would test nothing.
    expect(calls).toBeGreaterThan(0)
    for (const dir of dirs) {
      const left = (await listLeftovers(dir)).filter(
        (path) => !(name === 'start of an upload' && path.startsWith('multipart/')),
      )
      expect(left, dir).toEqual([])
    }
  })
})
