import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CopyFileSystem, copyFileSystem } from './copy-file-system.ts'
import { createUploadQueue, type UploadState } from './upload-queue.ts'

const BYTES = 'weights '.repeat(1000)
const MAX_CALLS = 40

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-copies-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

interface FailingCopies {
  fileSystem: CopyFileSystem
  failed(): string | undefined
  openFiles(): number
}

/** The real calls, of which one fails as a disk fails: a copy after a part of its bytes, a close after it closed. */
function createFailingCopies(call: number, code: string): FailingCopies {
  let calls = 0
  let failed: string | undefined
  let open = 0
  const fileSystem = new Proxy(copyFileSystem, {
    get(target, name: keyof CopyFileSystem) {
      const method = target[name] as (...args: unknown[]) => unknown
      return (...args: unknown[]) => {
        if (name === 'closeSync') open--
        if (++calls !== call) {
          const result = method(...args)
          if (name === 'openSync') open++
          return result
        }
        failed = name
        const error = Object.assign(new Error(`${code}: injected fault, ${name} '/some/path'`), { code })
        if (name === 'closeSync') method(...args)
        if (name.endsWith('Sync')) throw error
        return Promise.resolve(name === 'copyFile' || name === 'cp' ? method(...args) : undefined).then(() => {
          if (name === 'copyFile') truncateSync(String(args[1]), 100)
          throw error
        })
      }
    },
  })
  return { fileSystem, failed: () => failed, openFiles: () => open }
}

/** A program names what it has written, and writes to it again as soon as it is told that it can. */
async function upload(copies: FailingCopies, source: string, writeAgain: () => void) {
  const queue = createUploadQueue({ dir: join(dir, 'copies'), fileSystem: copies.fileSystem })
  const states: UploadState[] = []
  const uploaded: string[] = []
  queue.add({
    key: 'best',
    file: source,
    async upload(copy) {
      const file = statSync(copy).isDirectory() ? join(copy, 'weights.bin') : copy
      uploaded.push(readFileSync(file, 'utf8'))
      return { id: 'art_1' }
    },
    onState(state) {
      states.push(state)
      if (state.state === 'copied') writeAgain()
    },
  })
  const failures = await queue.drain()
  return { states, uploaded, failures }
}

describe.each([
  ['ENOSPC', 'is full'],
  ['EIO', 'another machine or disk'],
  ['EMFILE', 'too many open files'],
])('a copy of what a program named, one call of which fails with %s', (code, help) => {
  it.each(['a file', 'a folder'])(
    'is uploaded whole, or reported with what to do, and leaves nothing: %s',
    async (what) => {
      let failures = 0
      for (let call = 1; call < MAX_CALLS; call++) {
        const source = join(dir, 'out')
        const file = what === 'a file' ? source : join(source, 'weights.bin')
        rmSync(source, { recursive: true, force: true })
        if (what === 'a folder') mkdirSync(source)
        writeFileSync(file, BYTES)
        const copies = createFailingCopies(call, code)
        const result = await upload(copies, source, () => writeFileSync(file, 'the next epoch'))
        const about = `${copies.failed()}, call ${call}`
        const names = result.states.map(({ state }) => state)
        if (result.failures.length === 0) {
          expect(names, about).toEqual(['copied', 'uploaded'])
          expect(result.uploaded, about).toEqual([BYTES])
        } else {
          failures++
          // Without "copied": the program was never told that it can write again.
          expect(names, about).toEqual(['failed'])
          expect(result.uploaded, about).toEqual([])
          expect(result.failures[0]?.message, about).toContain(`"${source}" cannot be uploaded: ${code}`)
          expect(result.failures[0]?.message, about).toContain(help)
          expect(readFileSync(file, 'utf8'), about).toBe(BYTES)
        }
        expect(copies.openFiles(), about).toBe(0)
        // After a removal that failed, at most the empty folder of all copies.
        expect(
          readdirSync(dir, { recursive: true }).filter((path) => String(path).startsWith('copies/')),
          about,
        ).toEqual([])
        if (copies.failed() === undefined) return expect(failures).toBeGreaterThan(2)
      }
      expect.fail(`a copy has fewer than ${MAX_CALLS} calls`)
    },
  )
})
