import { Worker } from 'node:worker_threads'
import { hashFile } from './hash-file.ts'

/** The SHA-256 of a file that is being filled, read behind its front by a thread of its own. */
export interface FrontHash {
  /** From the start, this many bytes are there now. */
  advance(sizeBytes: number): void
  /** Hex, of what was advanced to. */
  digest(): Promise<string>
  close(): Promise<void>
}

/**
 * A second core hashes while the first receives: of a file of 1 GB that is a third of the time, and no event or heartbeat
 * waits for it. Where threads are not to be had, the whole file is read in the end.
 */
export function createFrontHash(file: string): FrontHash {
  const worker = startWorker(file)
  const digest = new Promise<string | undefined>((resolve) => {
    if (worker === undefined) return resolve(undefined)
    worker.on('message', resolve)
    worker.on('error', () => resolve(undefined))
    worker.on('exit', () => resolve(undefined))
    // After the listeners, which would hold the process again.
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
    // None of the trainer's own preloads: this thread starts for a few bytes of code.
    return new Worker(code, { eval: true, workerData: file, execArgv: [], env: {} })
  } catch {
    return undefined
  }
}

/** Runs in the thread, as text: it may use nothing from outside of it. */
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
