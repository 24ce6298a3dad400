import { Worker } from 'node:worker_threads'
import { hashFile } from './hash-file.ts'

/** The SHA-256 of a file while it is being written: a worker thread reads up to the first missing byte. */
export interface FrontHash {
  /** The file is now complete up to this many bytes from its start. */
  advance(sizeBytes: number): void
  /** In hex, of everything up to the last `advance`. */
  digest(): Promise<string>
  close(): Promise<void>
}

/**
 * Hashing takes a third of the time of a 1 GB download; in a second thread it overlaps with receiving, and delays no event or
 * heartbeat. Without worker threads the whole file is hashed at the end.
 */
export function createFrontHash(file: string): FrontHash {
  const worker = startWorker(file)
  const digest = new Promise<string | undefined>((resolve) => {
    if (worker === undefined) return resolve(undefined)
    worker.on('message', resolve)
    worker.on('error', () => resolve(undefined))
    worker.on('exit', () => resolve(undefined))
    // After the listeners: adding one refs the worker again.
    worker.unref()
  })
  return {
    advance: (sizeBytes) => worker?.postMessage(sizeBytes),
    async digest() {
      worker?.ref()
      worker?.postMessage('digest')
      return (await digest) ?? hashFile(file)
    },
    async close() {
      await worker?.terminate()
    },
  }
}

function startWorker(file: string): Worker | undefined {
  try {
    const code = `(${hashBehindFront.toString()})()`
    // Without the trainer's preloads, which would slow the start of this small thread.
    return new Worker(code, { eval: true, workerData: file, execArgv: [], env: {} })
  } catch {
    return undefined
  }
}

/** Runs in the worker from its source text, so it must not use anything from the enclosing module. */
function hashBehindFront(): void {
  const { openSync, readSync, closeSync } = process.getBuiltinModule('node:fs')
  const { createHash } = process.getBuiltinModule('node:crypto')
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
  const handle = openSync(workerData as string, 'r')
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024)
  let at = 0
  parentPort?.on('message', (message: number | 'digest') => {
    if (message === 'digest') {
      parentPort.postMessage(hash.digest('hex'))
      closeSync(handle)
      parentPort.close()
      return
    }
    while (at < message) {
      const count = readSync(handle, buffer, 0, Math.min(buffer.length, message - at), at)
      if (count === 0) throw new Error(`The file ended at ${at} of ${message} bytes`)
      hash.update(buffer.subarray(0, count))
      at += count
    }
  })
}
