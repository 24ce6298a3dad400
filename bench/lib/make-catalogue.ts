import type { MadeTrainer } from '../../packages/registry/src/testing/catalogue-fixture.ts'

const THINGS =
  'bicycle bottle forklift helmet rust tomato whale pothole solar-panel weld leaf cell plate sign boat drone wheel pallet crack bird'.split(
    ' ',
  )
const MODELS = 'yolo unet resnet detr vit mobilenet efficientnet retinanet hrnet segformer deeplab convnext'.split(' ')
const FRAMEWORKS = ['pytorch', 'tensorflow', 'keras', 'jax', 'mxnet', 'onnxruntime']
const LICENSES = ['MIT', 'Apache-2.0', 'AGPL-3.0', 'BSD-3-Clause', 'proprietary']
const EXPORTS = ['onnx', 'tensorrt', 'coreml', 'tflite', 'openvino'] as const
const READS = ['dice', 'coco', 'yolo', 'voc'] as const
const KINDS = [
  ['detector', 'detection'],
  ['segmenter', 'segmentation'],
  ['classifier', 'classification'],
  ['poser', 'pose'],
] as const
const WORDS =
  'fast small accurate medical factory realtime outdoor night aerial thermal robust mobile edge tiny large'.split(' ')

/** A catalogue that is the same each time: few popular trainers, many others, words of every frequency. */
export function makeCatalogue(count: number): MadeTrainer[] {
  let seed = 7
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed / 2_147_483_648
  }
  /** The first values are the most frequent. */
  const pick = <T>(values: readonly [T, ...T[]] | readonly T[]): T => {
    const value = values[Math.floor(random() ** 2 * values.length)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }
  return Array.from({ length: count }, (_, index) => {
    const [kind, task] = pick(KINDS)
    const [thing, model, framework] = [pick(THINGS), pick(MODELS), pick(FRAMEWORKS)]
    const serial = Math.floor(random() * 1e6).toString(36)
    return {
      name: `team${index % 997}/${thing}-${model}-${kind}-${index}`,
      displayName: `${thing} ${kind} ${serial}`,
      description: `A ${pick(WORDS)} ${model} that is trained on each picture of a ${thing}, for ${pick(WORDS)} ${task} by ${serial} with ${pick(WORDS)} cameras and ${pick(WORDS)} machines`,
      pulls: Math.floor(10 / (random() + 1e-5)),
      tasks: [task],
      framework,
      license: pick(LICENSES),
      keywords: [thing, pick(WORDS), pick(WORDS)],
      exports: EXPORTS.filter(() => random() < 0.4),
      reads: READS.filter(() => random() < 0.5),
    }
  })
}
