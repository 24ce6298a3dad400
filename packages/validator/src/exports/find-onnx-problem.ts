import type { ExportedFile } from './exported-file.ts'

/** Field numbers of onnx.proto3. */
const MODEL = { irVersion: 1, graph: 7, opsetImport: 8, metadataProps: 14 } as const
const PROPERTY = { key: 1, value: 2 } as const
const GRAPH = { node: 1, output: 12 } as const
const MAX_IR_VERSION = 1000

interface Field {
  readonly number: number
  /** Of a number. */
  readonly value: bigint | undefined
  /** Where the bytes of a message or text are. */
  readonly start: number
  readonly end: number
}

/**
 * Reads a file as the protobuf message ModelProto, as far as it was read: it needs a version, a set of operators, and a graph
 * with nodes and outputs.
 */
export function findOnnxProblem({ head, sizeBytes }: ExportedFile): string | undefined {
  const fields = readFields(head, { start: 0, end: sizeBytes })
  if (fields === undefined) return 'it is not a protobuf message'
  const version = fields.find(({ number }) => number === MODEL.irVersion)?.value
  if (version === undefined || version < 1n || version > MAX_IR_VERSION) return 'it has no IR version'
  const graph = fields.find(({ number, value }) => number === MODEL.graph && value === undefined)
  if (graph === undefined) return 'it has no graph'
  // What follows a large graph was not read.
  if (graph.end > head.length) return undefined
  if (!fields.some(({ number, value }) => number === MODEL.opsetImport && value === undefined))
    return 'it names no set of operators'
  const parts = readFields(head, graph)
  if (parts === undefined) return 'its graph is not a protobuf message'
  const has = (field: number) => parts.some(({ number, value }) => number === field && value === undefined)
  if (!has(GRAPH.node)) return 'its graph has no nodes'
  return has(GRAPH.output) ? undefined : 'its graph has no outputs'
}

/** The metadata of a model: texts by their names. Empty if it was not read completely. */
export function readOnnxMetadata({ head, sizeBytes }: ExportedFile): Map<string, string> {
  const found = new Map<string, string>()
  const fields = head.length < sizeBytes ? [] : (readFields(head, { start: 0, end: sizeBytes }) ?? [])
  for (const field of fields.filter(({ number, value }) => number === MODEL.metadataProps && value === undefined)) {
    const parts = readFields(head, field) ?? []
    const [key, value] = [PROPERTY.key, PROPERTY.value].map((wanted) => {
      const part = parts.find(({ number }) => number === wanted)
      return part && Buffer.from(head.subarray(part.start, part.end)).toString('utf8')
    })
    if (key !== undefined && value !== undefined) found.set(key, value)
  }
  return found
}

/** The fields of a message. Stops at the end of what was read. Undefined: the bytes are not a message. */
function readFields(bytes: Uint8Array, { start, end }: { start: number; end: number }): Field[] | undefined {
  const fields: Field[] = []
  let at = start
  while (at < Math.min(end, bytes.length)) {
    const key = readVarint(bytes, at)
    if (key === undefined) return undefined
    const number = Number(key.value >> 3n)
    const wire = Number(key.value & 7n)
    if (number === 0) return undefined
    const field = readField(bytes, key.next, number, wire)
    if (field === undefined || field.end > end) return undefined
    fields.push(field)
    at = field.end
  }
  return fields
}

function readField(bytes: Uint8Array, at: number, number: number, wire: number): Field | undefined {
  if (wire === 1) return { number, value: undefined, start: at, end: at + 8 }
  if (wire === 5) return { number, value: undefined, start: at, end: at + 4 }
  if (wire !== 0 && wire !== 2) return undefined
  const read = readVarint(bytes, at)
  if (read === undefined) return undefined
  if (wire === 0) return { number, value: read.value, start: at, end: read.next }
  return { number, value: undefined, start: read.next, end: read.next + Number(read.value) }
}

function readVarint(bytes: Uint8Array, at: number): { value: bigint; next: number } | undefined {
  let value = 0n
  for (let index = 0; index < 10; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) return undefined
    value |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return { value, next: at + index + 1 }
  }
  return undefined
}
