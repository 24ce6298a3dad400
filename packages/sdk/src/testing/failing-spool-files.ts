import nodeFs from 'node:fs'
import type { SpoolFileSystem } from '../journal/spool.ts'

export interface FailingSpoolFiles {
  fileSystem: SpoolFileSystem
  /** The name of the first call that failed. */
  failed(): string | undefined
  /** No further call has an effect, as after `kill -9`. */
  kill(): void
}

interface FailingSpoolFilesOptions {
  /** The number of the call that fails, from 1. */
  call: number
  /** The number of calls that fail. Default: 1. */
  count?: number | undefined
  code: string
}

/** The real file system, of which calls fail as a disk fails: a write after half of its bytes, a close after it closed. */
export function createFailingSpoolFiles({ call, count = 1, code }: FailingSpoolFilesOptions): FailingSpoolFiles {
  let calls = 0
  let failed: string | undefined
  let isKilled = false
  const fileSystem = new Proxy<SpoolFileSystem>(nodeFs, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) => {
        if (isKilled) throw new Error('the process was killed')
        calls++
        if (calls < call || calls >= call + count) return Reflect.apply(method, target, args)
        failed ??= String(name)
        if (name === 'closeSync') Reflect.apply(method, target, args)
        if (name === 'writeSync') {
          const [fd, bytes, offset, length] = args
          Reflect.apply(method, target, [fd, bytes, offset, Math.floor(Number(length) / 2)])
        }
        throw Object.assign(new Error(`${code}: injected fault, ${String(name)}`), { code })
      }
    },
  })
  return { fileSystem, failed: () => failed, kill: () => (isKilled = true) }
}
