import nodeFs, { type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'

export interface FailingFiles {
  fileSystem: typeof nodeFs
  /** Makes the `call`-th call from now on fail, counted from 1. */
  arm(call: number, code: string): void
  /** Ends the faults. Returns the name of the call that failed; undefined when there were fewer calls. */
  disarm(): string | undefined
  /** The number of files that are open. */
  openFiles(): number
}

/** The real file system, of which one call fails as a disk fails: a write after half of its bytes, a close after it closed. */
export function createFailingFiles(): FailingFiles {
  let calls = 0
  let armed: { call: number; code: string } | undefined
  let failed: string | undefined
  let open = 0

  const nextError = (name: string): Error | undefined => {
    if (armed === undefined || ++calls !== armed.call) return undefined
    failed = name
    return Object.assign(new Error(`${armed.code}: injected fault, ${name}`), { code: armed.code, syscall: name })
  }

  async function call(target: object, name: string, method: Method, args: unknown[]): Promise<unknown> {
    const error = nextError(name)
    // A second close has no effect.
    if (name === 'close' && (target as FileHandle).fd >= 0) open--
    if (error === undefined || name === 'close') {
      const result = await Reflect.apply(method, target, args)
      if (error !== undefined) throw error
      if (name !== 'open') return result
      open++
      return wrap(result as FileHandle)
    }
    if (name === 'write' && args[0] instanceof Uint8Array) {
      await Reflect.apply(method, target, [args[0], args[1], Math.floor(Number(args[2]) / 2)])
    }
    if (name === 'writeFile') await Reflect.apply(method, target, [args[0], String(args[1]).slice(0, 5)])
    throw error
  }

  /** A stream closes its file at its end, also after an error. */
  function createReadStream(handle: FileHandle, options: object): Readable {
    const error = nextError('createReadStream')
    const stream =
      error === undefined
        ? handle.createReadStream(options)
        : new Readable({
            read: () => stream.destroy(error),
            destroy: (cause, done) => void handle.close().then(() => done(cause), done),
          })
    stream.once('close', () => open--)
    return stream
  }

  function wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name)
        if (typeof value !== 'function') return value
        if (name === 'createReadStream') return (options: object) => createReadStream(target as FileHandle, options)
        return (...args: unknown[]) => call(object, String(name), value as Method, args)
      },
    })
  }

  return {
    fileSystem: wrap(nodeFs),
    arm(at, code) {
      calls = 0
      failed = undefined
      armed = { call: at, code }
    },
    disarm() {
      armed = undefined
      return failed
    },
    openFiles: () => open,
  }
}

type Method = (...args: unknown[]) => unknown
