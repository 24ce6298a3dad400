import { describe, expect, test } from 'vitest'
import { findExportProblem } from './find-export-problem.ts'

const bytes = (...values: (number | string | Uint8Array)[]) =>
  Buffer.concat(values.map((value) => (typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value))))
const message = (number: number, body: Uint8Array) => bytes((number << 3) | 2, body.length, body)

const node = message(1, message(4, bytes('Relu')))
const output = message(12, message(1, bytes('y')))
const opset = message(8, bytes(0x10, 17))
const onnx = (graph: Uint8Array) => bytes(0x08, 8, message(7, graph), opset)

function tensors(size: number): Buffer {
  const header = Buffer.from(JSON.stringify({ w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return bytes(length, header, Buffer.alloc(size))
}

const check = (format: string, head: Uint8Array, sizeBytes = head.length) =>
  findExportProblem(format, { head, sizeBytes })

describe('an exported file', () => {
  test.each([
    ['onnx', onnx(bytes(node, output))],
    ['safetensors', tensors(8)],
    ['tflite', bytes(0x1c, 0, 0, 0, 'TFL3', 0)],
    ['torchscript', bytes('PK', 3, 4, 'archive')],
    ['openvino', bytes('<?xml version="1.0"?><net name="m">')],
    ['coreml', bytes(0x08, 5, 0x12, 0)],
    ['tensorrt', bytes('ftrt', 0, 0)],
    ['tfjs', bytes('{"modelTopology":{}}')],
  ])('in the format %s is accepted, and a text is not', (format, head) => {
    expect(check(format, head)).toBeUndefined()
    expect(check(format, bytes('This is a model, believe me.\n'))).toBeTypeOf('string')
    expect(check(format, bytes('MODEL'))).toBeTypeOf('string')
  })

  test.each([
    ['no graph', bytes(0x08, 8, opset), 'no graph'],
    ['a graph without nodes', onnx(output), 'no nodes'],
    ['a graph without outputs', onnx(node), 'no outputs'],
    ['no operators', bytes(0x08, 8, message(7, bytes(node, output))), 'operators'],
    ['no version', bytes(message(7, bytes(node, output)), opset), 'version'],
    ['a field that is longer than the file', bytes(0x08, 8, 0x3a, 100, 1), 'not a protobuf message'],
  ])('as ONNX with %s is found', (_name, head, problem) => {
    expect(check('onnx', head)).toContain(problem)
  })

  test('that is larger than what was read is not accused', () => {
    const large = bytes(0x08, 8, (7 << 3) | 2, 0x80, 0x80, 0x40, node)
    expect(check('onnx', large, 2 ** 20 + 20)).toBeUndefined()
    expect(check('safetensors', tensors(8).subarray(0, 12), 1000)).toBeUndefined()
  })

  test('whose tensors do not fill the file is not safetensors', () => {
    expect(check('safetensors', tensors(9))).toContain('places')
    expect(check('safetensors', bytes(0xff, 0xff, 0xff, 0, 0, 0, 0, 0, '{}'))).toContain('longer')
  })
})
