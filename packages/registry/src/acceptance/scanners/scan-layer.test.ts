import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { makeTar } from '@trainyard/platform/testing'
import { LayerRefused } from '@trainyard/validator/image'
import { describe, expect, test } from 'vitest'
import { type ScanLayerOptions, scanLayer } from './scan-layer.ts'

const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'
const tar = makeTar([{ path: 'app/file', body: 'text' }])
const bytes = gzipSync(tar)

async function* whole(): AsyncGenerator<Uint8Array> {
  yield bytes
}

const scan = (more: Partial<ScanLayerOptions> = {}) =>
  scanLayer({
    mediaType,
    job: { kind: 'listing' },
    open: async () => whole(),
    signal: AbortSignal.timeout(60_000),
    ...more,
  })

/** Gives the first bytes, and then nothing, as a store that hangs. */
async function* stuck(): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 20)
  await new Promise(() => undefined)
}

describe('scanning a layer in a worker', () => {
  test('ends when it is aborted while the store gives no bytes, and the next layer is scanned', async () => {
    const abort = new AbortController()
    const scanned = scan({ open: async () => stuck(), signal: abort.signal })
    setTimeout(() => abort.abort(new Error('the check was stopped')), 300)
    await expect(scanned).rejects.toThrow('the check was stopped')
    await expect(scan()).resolves.toMatchObject({ diffId: `sha256:${createHash('sha256').update(tar).digest('hex')}` })
  })

  test('ends when it is aborted while the store opens the layer', async () => {
    const abort = new AbortController()
    const open = async () => {
      abort.abort(new Error('the check was stopped'))
      return stuck()
    }
    await expect(scan({ open, signal: abort.signal })).rejects.toThrow('the check was stopped')
  })

  test('does not open the layer when it was aborted before', async () => {
    let opened = 0
    const open = async () => {
      opened += 1
      return whole()
    }
    await expect(scan({ open, signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped')
    expect(opened).toBe(0)
  })

  test('tells a layer at fault from a store that fails', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 20)
      throw new Error('the disk is gone')
    }
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, bytes.length - 12)
    }
    await expect(scan({ open: async () => broken() })).rejects.toThrow(
      /cannot be read from the store: the disk is gone/,
    )
    await expect(scan({ open: async () => cut() })).rejects.toThrow(LayerRefused)
  })
})
