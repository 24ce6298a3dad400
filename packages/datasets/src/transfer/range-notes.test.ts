import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { beginNotes, noteRange, readNotes } from './range-notes.ts'

let dir: string
let file: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-notes-'))
  file = join(dir, 'notes')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const head = { sizeBytes: 10, rangeBytes: 3, etag: '"one"' }

describe('the notes of a download', () => {
  it('describe the download and list its complete ranges', () => {
    beginNotes(file, head)
    for (const number of [0, 2, 1]) noteRange(file, number)
    expect(readNotes(file)).toEqual({ ...head, done: new Set([0, 1, 2]) })
  })

  it('ignore a range whose number was cut short, also when others follow', () => {
    beginNotes(file, head)
    noteRange(file, 7)
    appendFileSync(file, '\n=12')
    expect(readNotes(file)?.done).toEqual(new Set([7]))
    noteRange(file, 5)
    expect(readNotes(file)?.done).toEqual(new Set([7, 5]))
  })

  it.each(['', '{"sizeBytes":1', '{"sizeBytes":10}\n=1;'])('are ignored when their head is %j', (text) => {
    writeFileSync(file, text)
    expect(readNotes(file)).toBeUndefined()
  })
})
