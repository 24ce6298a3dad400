import { type OnnxOutcome, runOnnx } from '../exports/run-onnx.ts'
import { predictedClasses } from './honesty.ts'
import type { OperationRecord } from './record.ts'
import { findExported, plainRun } from './record.ts'
import type { TinyDataset } from './tiny-dataset.ts'

/** Runs the exported model with the images that were predicted. Undefined: it is not ONNX, or was not exported. */
export async function runExport(
  operations: readonly OperationRecord[],
  heldOut: TinyDataset,
): Promise<OnnxOutcome | undefined> {
  const exported = findExported(plainRun({ operations }, 'export'))
  if (exported?.format !== 'onnx') return undefined
  if (exported.head.length < exported.sizeBytes)
    return { state: 'not_run', reason: `the file is larger than ${exported.head.length} bytes` }
  const predictions = plainRun({ operations }, 'predict')
  const classes = predictions === undefined ? new Map<string, number>() : predictedClasses(predictions, heldOut.truth)
  const paths = [...classes.keys()]
  return await runOnnx({
    model: exported.head,
    images: paths.map((path) => heldOut.pixels.get(path) ?? new Uint8Array()),
    imageSize: heldOut.imageSize,
    classes: heldOut.classes,
    predicted: [...classes.values()],
  })
}
