import { appendFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'
import { appendRecords, createEventFile } from './event-file.ts'
import { maskedCrc32c } from './masked-crc32c.ts'

const TIME = new Date('2026-11-21T03:00:00Z')
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-events-'))
})
afterEach(async () => await rm(dir, { recursive: true, force: true }))

/** The records of a file. Throws if one is incomplete. */
async function readRecords(file: string): Promise<string[]> {
  const bytes = await readFile(file)
  const records: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at))
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)))
    const data = bytes.subarray(at + 12, at + 12 + length)
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data))
    records.push(data.toString('latin1'))
    at += 16 + length
  }
  return records.slice(1)
}

describe('an event file', () => {
  it('has the checksums of the format', () => {
    // RFC 3720, B.4
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  })

  it('never contains an incomplete or repeated record, whatever a crash left behind', async () => {
    const empty = await createEventFile(dir, 0, TIME)
    const one = await appendRecords(empty, [Buffer.from('one')], TIME)
    const path = join(dir, one.file)
    await appendRecords(one, [Buffer.from('two'), Buffer.from('three')], TIME)
    await appendFile(path, 'half a rec')
    // The position after "two" was not stored.
    const three = await appendRecords(one, [Buffer.from('two'), Buffer.from('three')], TIME)
    expect(await readRecords(path)).toEqual(['one', 'two', 'three'])
    const four = await appendRecords(three, [Buffer.from('four')], TIME)
    expect(await readRecords(path)).toEqual(['one', 'two', 'three', 'four'])
    expect(four.bytes).toBe((await readFile(path)).length)
  })

  it('is continued in a new file after it was truncated or deleted', async () => {
    const one = await appendRecords(await createEventFile(dir, 0, TIME), [Buffer.from('one')], TIME)
    await truncate(join(dir, one.file), 5)
    const two = await appendRecords(one, [Buffer.from('two')], TIME)
    expect(two.file).not.toBe(one.file)
    expect(await readRecords(join(dir, two.file))).toEqual(['two'])
    await rm(join(dir, two.file))
    const three = await appendRecords(two, [Buffer.from('three')], TIME)
    expect(await readRecords(join(dir, three.file))).toEqual(['three'])
  })
})
