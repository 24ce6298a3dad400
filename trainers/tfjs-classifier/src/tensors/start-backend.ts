import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { env, getBackend, setBackend } from '@tensorflow/tfjs-core'
import { FrameworkError } from '@trainyard/sdk'
import { registerGradients } from './gradients.ts'

const WASM_FILE = 'tfjs-backend-wasm-simd.wasm'

let started: Promise<void> | undefined

/** Loads the WebAssembly backend, once. Every other file that computes with tensors needs it running. */
export function startBackend(): Promise<void> {
  started ??= load()
  return started
}

async function load(): Promise<void> {
  const folder = findWasmFolder()
  registerGradients()
  // One thread: sums are then taken in one order, and the same seed gives the same weights.
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  env().set('WASM_HAS_SIMD_SUPPORT', true)
  setWasmPaths(join(folder, '/'), true)
  // The backend asks its platform to fetch the module; Node's fetch knows no files. Shadowed only while loading.
  const platform = env().platform
  const fetch = platform.fetch
  platform.fetch = async (path) => new Response(await readFile(path))
  try {
    if (!(await setBackend('wasm')) || getBackend() !== 'wasm') throw new Error('the backend refused to start')
  } catch (cause) {
    throw new FrameworkError(
      `TensorFlow.js could not load ${join(folder, WASM_FILE)}; it needs a processor with 128-bit SIMD`,
      { cause },
    )
  } finally {
    platform.fetch = fetch
  }
}

/** Beside the bundle; in development inside the installed package. */
function findWasmFolder(): string {
  const own = dirname(fileURLToPath(import.meta.url))
  if (existsSync(join(own, WASM_FILE))) return own
  return dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
}
