import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFrontHash } from './front-hash.ts'

let dir: string
let file: string
const bytes = Buffer.alloc(3_000_001, 'behind the front')
const sha256 = createHash('sha256').update(bytes).digest('hex')
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-front-'))
  file = join(dir, 'file')
  writeFileSync(file, bytes)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('a hash of a file that is being written', () => {
  it('is that of the whole file, in whatever steps it arrived', async () => {
    const hash = createFrontHash(file)
    for (const sizeBytes of [1, 1_500_000, 1_500_000, bytes.length]) hash.advance(sizeBytes)
    expect(await hash.digest()).toBe(sha256)
    await hash.close()
  })

  it('is computed from the file at the end when its worker has stopped', async () => {
    const hash = createFrontHash(file)
    hash.advance(1)
    await hash.close()
    expect(await hash.digest()).toBe(sha256)
  })

  it('is computed from the file when the worker fails', async () => {
    const hash = createFrontHash(file)
    hash.advance(bytes.length + 1)
    expect(await hash.digest()).toBe(sha256)
    await hash.close()
  })
})
