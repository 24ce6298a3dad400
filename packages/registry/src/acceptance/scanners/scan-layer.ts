import { Worker } from 'node:worker_threads'
import { ownExecArgv, programBeside } from '@trainyard/platform'
import { type LayerLimits, LayerRefused } from '@trainyard/validator/image'
import { ScannerUnavailable } from './errors.ts'
import type { FromLayerWorker, LayerJob, ToLayerWorker } from './layer-messages.ts'

export interface ScanLayerOptions {
  mediaType: string
  open(): Promise<AsyncIterable<Uint8Array>>
  job: LayerJob
  limits?: LayerLimits | undefined
  signal: AbortSignal
  /** Called now and then with the file that is read and the number of files before it. */
  onFile?: ((path: string, files: number) => void) | undefined
}

/** Enough for a million entries. A layer that needs more ends its worker, and nothing else. */
const MAX_HEAP_MB = 1024
const MAX_IDLE = 2

const idle: Worker[] = []

/**
 * Reads a layer in a worker thread, off the event loop, with a limit of memory.
 *
 * @throws LayerRefused when the layer is damaged, ambiguous, or exceeds a limit
 * @throws ScannerUnavailable when a scanner outside of this process does not answer
 */
export async function scanLayer(options: ScanLayerOptions): Promise<unknown> {
  const { signal, open } = options
  signal.throwIfAborted()
  const source = (await open())[Symbol.asyncIterator]()
  const worker = idle.pop() ?? start()
  worker.ref()
  let isReusable = false
  try {
    signal.throwIfAborted()
    const answer = await talk(worker, source, options)
    signal.throwIfAborted()
    isReusable = answer.type !== 'failed'
    if (answer.type === 'done') return answer.result
    if (answer.type === 'refused') throw new LayerRefused(answer.reason)
    if (answer.type === 'unavailable') throw new ScannerUnavailable(answer.reason)
    throw new Error(answer.reason)
  } finally {
    // Not awaited: while a store gives no bytes, its generator does not end either.
    source.return?.()?.catch(() => undefined)
    if (isReusable && idle.length < MAX_IDLE) {
      worker.unref()
      idle.push(worker)
    } else await worker.terminate()
  }
}

type Answer = Exclude<FromLayerWorker, { type: 'pull' } | { type: 'file' }>

function start(): Worker {
  const program = programBeside(import.meta.url, 'layer-program')
  const worker = new Worker(program, {
    execArgv: ownExecArgv(program),
    // It needs no variable, and reads what strangers have pushed.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  worker.on('error', () => {
    const place = idle.indexOf(worker)
    if (place >= 0) idle.splice(place, 1)
  })
  return worker
}

/** Sends the job and the bytes that the worker asks for, until it answers, ends, or the signal aborts. */
function talk(worker: Worker, source: AsyncIterator<Uint8Array>, options: ScanLayerOptions): Promise<Answer> {
  const { job, mediaType, limits, signal, onFile } = options
  return new Promise((resolve) => {
    const finish = (answer: Answer) => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
      signal.removeEventListener('abort', onAbort)
      resolve(answer)
    }
    const send = (message: ToLayerWorker, transfer: ArrayBuffer[] = []) => worker.postMessage(message, transfer)
    const onMessage = (message: FromLayerWorker) => {
      if (message.type === 'pull') void sendPiece(source, send)
      else if (message.type === 'file') onFile?.(message.path, message.files)
      else finish(message)
    }
    const onError = (error: unknown) => finish({ type: 'failed', reason: reasonOf(error) })
    const onExit = () => finish({ type: 'failed', reason: 'the worker that read a layer ended' })
    const onAbort = () => finish({ type: 'failed', reason: 'the scan was stopped' })
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
    signal.addEventListener('abort', onAbort, { once: true })
    send({ type: 'job', job, mediaType, limits })
  })
}

/** A layer that makes its worker run out of memory is at fault; the message of Node says which limit. */
function reasonOf(error: unknown): string {
  return `the worker that read a layer failed: ${error instanceof Error ? error.message : String(error)}`
}

async function sendPiece(
  source: AsyncIterator<Uint8Array>,
  send: (message: ToLayerWorker, transfer?: ArrayBuffer[]) => void,
): Promise<void> {
  try {
    const { done, value } = await source.next()
    if (done === true) return send({ type: 'end' })
    // A copy: pieces of a store may share their memory with others.
    const bytes = new Uint8Array(value)
    send({ type: 'piece', bytes }, [bytes.buffer])
  } catch (error) {
    send({ type: 'broken', reason: error instanceof Error ? error.message : String(error) })
  }
}
