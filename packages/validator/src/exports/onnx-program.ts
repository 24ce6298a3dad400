/** The thread that runs an exported model. `run-onnx.ts` starts it with one job. */
import { parentPort, workerData } from 'node:worker_threads'
import type { InferenceSession, Tensor } from 'onnxruntime-web'
import type { OnnxJob, OnnxOutcome, OnnxVariant } from './run-onnx.ts'

/** Problems of this runtime, not of the file. */
const OF_RUNTIME = /not a registered|NOT_IMPLEMENTED|external data|allocat|out of memory|Unsupported model IR version/i
/** The share of images that must have the same class for a way to prepare them to be the right one. */
const AGREES = 0.9
/** Means and deviations by channel: of ImageNet; none; around zero; bytes. */
const NORMS = [
  { name: 'ImageNet', mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  { name: '0 to 1', mean: [0, 0, 0], deviation: [1, 1, 1] },
  { name: '-1 to 1', mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
  { name: '0 to 255', mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] },
] as const

const job = workerData as OnnxJob
parentPort?.postMessage(await run())

async function run(): Promise<OnnxOutcome> {
  const runtime = await import('onnxruntime-web').catch(() => undefined)
  if (runtime === undefined) return { state: 'no_runtime' }
  runtime.env.wasm.numThreads = 1
  runtime.env.logLevel = 'fatal'
  let session: InferenceSession
  try {
    session = await runtime.InferenceSession.create(job.model)
  } catch (error) {
    const reason = reasonOf(error)
    return OF_RUNTIME.test(reason) ? { state: 'not_run', reason } : { state: 'refused', reason }
  }
  const layout = findLayout(session)
  if (layout === undefined || job.images.length === 0) return { state: 'ran', variants: [] }
  const variants: OnnxVariant[] = []
  for (const order of ['RGB', 'BGR'] as const) {
    for (const norm of NORMS) {
      const found: number[] = []
      for (const image of job.images) {
        const input = new runtime.Tensor('float32', prepare(image, { ...layout, norm, order }), layout.dims)
        const outputs = await session.run({ [layout.name]: input }).catch(() => undefined)
        const best = outputs && bestClass(Object.values(outputs))
        if (best === undefined) return { state: 'ran', variants }
        found.push(best)
      }
      variants.push({ name: `${order}, ${norm.name}`, found })
      const same = found.filter((classId, index) => classId === job.predicted[index]).length
      if (same >= AGREES * found.length) return { state: 'ran', variants }
    }
  }
  return { state: 'ran', variants }
}

interface Layout {
  readonly name: string
  readonly dims: number[]
  readonly size: number
  readonly isChannelsFirst: boolean
}

/** The shape of an input for one image. Undefined: the model takes something else. */
function findLayout(session: InferenceSession): Layout | undefined {
  const input = session.inputMetadata[0]
  if (session.inputMetadata.length !== 1 || input?.isTensor !== true || input.type !== 'float32') return undefined
  const { name, shape } = input
  if (shape.length !== 4) return undefined
  const isChannelsFirst = shape[1] === 3
  if (!isChannelsFirst && shape[3] !== 3) return undefined
  const given = shape[2]
  const size = typeof given === 'number' && given > 0 ? given : job.imageSize
  return { name, size, isChannelsFirst, dims: isChannelsFirst ? [1, 3, size, size] : [1, size, size, 3] }
}

function prepare(
  image: Uint8Array,
  { size, isChannelsFirst, norm, order }: Layout & { norm: (typeof NORMS)[number]; order: 'RGB' | 'BGR' },
): Float32Array {
  const values = new Float32Array(size * size * 3)
  const scale = job.imageSize / size
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = (Math.floor(y * scale) * job.imageSize + Math.floor(x * scale)) * 3
      for (let channel = 0; channel < 3; channel++) {
        const value = (image[from + (order === 'RGB' ? channel : 2 - channel)] ?? 0) / 255
        const at = isChannelsFirst ? (channel * size + y) * size + x : (y * size + x) * 3 + channel
        values[at] = (value - (norm.mean[channel] ?? 0)) / (norm.deviation[channel] ?? 1)
      }
    }
  }
  return values
}

/** The position of the highest score, in the output that has one for each class. */
function bestClass(outputs: readonly Tensor[]): number | undefined {
  const scores = outputs.find(({ type, size }) => type === 'float32' && size === job.classes)?.data as
    | Float32Array
    | undefined
  return scores?.indexOf(Math.max(...scores))
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300)
}
