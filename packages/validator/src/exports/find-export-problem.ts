import type { KNOWN_EXPORT_FORMATS } from '@trainyard/contract'
import type { ExportedFile } from './exported-file.ts'
import { findOnnxProblem } from './find-onnx-problem.ts'

type KnownFormat = (typeof KNOWN_EXPORT_FORMATS)[number]
type Check = (file: ExportedFile) => string | undefined

const CHECKS: Readonly<Record<KnownFormat, Check>> = {
  onnx: findOnnxProblem,
  safetensors: findSafetensorsProblem,
  tflite: ({ head }) => (latin1(head, 4, 8) === 'TFL3' ? undefined : 'the identifier "TFL3" is missing at byte 4'),
  torchscript: ({ head }) => (isZip(head) ? undefined : 'it is not a zip archive'),
  openvino: ({ head }) =>
    isArchive(head) || /<net[\s>]/.test(latin1(head, 0, 1000))
      ? undefined
      : 'it is neither an archive nor XML with <net>',
  coreml: ({ head }) =>
    isArchive(head) || !isText(head) ? undefined : 'it is a text; expected an archive or protobuf',
  tensorrt: ({ head }) => (isText(head) ? 'it is a text; expected a serialized engine' : undefined),
  tfjs: ({ head }) =>
    isArchive(head) || /"(?:modelTopology|weightsManifest)"/.test(Buffer.from(head).toString('latin1'))
      ? undefined
      : 'it is neither an archive nor a model.json with "modelTopology"',
}

/** Reads the structure of an exported file. Undefined: it can be what its format says. */
export function findExportProblem(format: string | undefined, file: ExportedFile): string | undefined {
  return Object.hasOwn(CHECKS, format ?? '') ? CHECKS[format as KnownFormat](file) : undefined
}

/** The texts in the header of a safetensors file, by their names. Empty if the header is not valid. */
export function readSafetensorsMetadata({ head }: ExportedFile): Map<string, string> {
  try {
    const bytes = Buffer.from(head)
    const header: unknown = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0))))
    const metadata = (header as { __metadata__?: unknown }).__metadata__
    return new Map(Object.entries((metadata ?? {}) as object).map(([name, value]) => [name, String(value)]))
  } catch {
    return new Map()
  }
}

/** The length of a JSON header, the header with the places of the tensors, and the tensors. */
function findSafetensorsProblem({ head, sizeBytes }: ExportedFile): string | undefined {
  if (head.length < 8) return 'it is shorter than its header'
  const bytes = Buffer.from(head)
  const length = Number(bytes.readBigUInt64LE(0))
  if (8 + length > sizeBytes) return 'its header is longer than the file'
  // Too large to have been read completely.
  if (8 + length > head.length) return undefined
  let header: unknown
  try {
    header = JSON.parse(bytes.toString('utf8', 8, 8 + length))
  } catch {
    return 'its header is not JSON'
  }
  const tensors = Object.entries(header as Record<string, { data_offsets?: unknown }>).filter(
    ([name]) => name !== '__metadata__',
  )
  if (tensors.length === 0) return 'it has no tensors'
  const ends = tensors.map(([, tensor]) =>
    Array.isArray(tensor?.data_offsets) ? Number(tensor.data_offsets[1]) : Number.NaN,
  )
  const end = Math.max(...ends)
  return 8 + length + end === sizeBytes ? undefined : 'the places of its tensors do not match its size'
}

function latin1(head: Uint8Array, start: number, end: number): string {
  return Buffer.from(head.subarray(start, end)).toString('latin1')
}

function isZip(head: Uint8Array): boolean {
  return latin1(head, 0, 4) === 'PK\u0003\u0004'
}

function isArchive(head: Uint8Array): boolean {
  return isZip(head) || latin1(head, 0, 2) === '\u001f\u008b' || latin1(head, 257, 262) === 'ustar'
}

function isText(head: Uint8Array): boolean {
  return head.subarray(0, 4096).every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
}
