import { Worker } from 'node:worker_threads'
import { ownExecArgv, programBeside } from '@trainyard/platform'

/** An exported model, and images to classify with it. */
export interface OnnxJob {
  readonly model: Uint8Array
  /** RGB, line by line. */
  readonly images: readonly Uint8Array[]
  /** Width and height of every image. */
  readonly imageSize: number
  readonly classes: number
  /** The class that `predict` found in each image. */
  readonly predicted: readonly number[]
}

/** The classes that a model finds in the images, for one way to prepare them. */
export interface OnnxVariant {
  readonly name: string
  readonly found: readonly number[]
}

export type OnnxOutcome =
  /** The ways to prepare images that were tried, up to the first one that agrees with `predict`. */
  | { readonly state: 'ran'; readonly variants: readonly OnnxVariant[] }
  /** ONNX Runtime refuses the file. */
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'not_run'; readonly reason: string }
  /** The package `onnxruntime-web`, which is installed with the validator, is missing. */
  | { readonly state: 'no_runtime' }

const TIMEOUT_MS = 30_000
const MAX_HEAP_MB = 512

/** Runs a model in a thread, in WebAssembly, which gives it neither files nor a network. */
export async function runOnnx(job: OnnxJob): Promise<OnnxOutcome> {
  const program = programBeside(import.meta.url, 'onnx-program')
  const worker = new Worker(program, {
    workerData: job,
    execArgv: ownExecArgv(program),
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    stdout: true,
    stderr: true,
  })
  const { promise, resolve } = Promise.withResolvers<OnnxOutcome>()
  const notRun = (reason: string) => resolve({ state: 'not_run', reason })
  worker.once('message', (outcome: OnnxOutcome) => resolve(outcome))
  worker.once('error', (error) => notRun(error instanceof Error ? error.message : String(error)))
  worker.once('exit', () => notRun('the thread that ran it ended'))
  const timer = setTimeout(() => notRun(`it was not finished after ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
