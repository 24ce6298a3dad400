import { predictedClasses } from '../compliance/honesty.ts'
import { type ComplianceRecord, findExported, plainRun } from '../compliance/record.ts'
import { readSafetensorsMetadata } from '../exports/find-export-problem.ts'
import { readOnnxMetadata } from '../exports/find-onnx-problem.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** The share of images that another order of the classes must explain, and by how much more than the right one. */
const EXPLAINED = 0.9
const MARGIN = 0.4
/** Fewer images of a class can be chance. */
const MIN_IMAGES = 2
const NAMES_OF_CLASSES = /^(?:names|classes|class_names|labels)$/i

export const exportAgrees: ComplianceRule = {
  code: 'TY617',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY617'),
  help: 'Keep the order of the classes that the dataset has, in the outputs and in the metadata of the exported model.',
  check(record) {
    const problem = findOtherNames(record) ?? findOtherOrder(record)
    return problem === undefined ? [] : [{ message: `export: ${problem}`, subject: 'order' }]
  },
}

/** Names of classes in the metadata that are those of the dataset, in another order. */
function findOtherNames({ heldOut, operations }: ComplianceRecord): string | undefined {
  const exported = findExported(plainRun({ operations }, 'export'))
  if (exported === undefined) return undefined
  const read = { onnx: readOnnxMetadata, safetensors: readSafetensorsMetadata }[exported.format ?? '']
  for (const [key, text] of read?.(exported) ?? []) {
    if (!NAMES_OF_CLASSES.test(key)) continue
    const places = heldOut.classNames.map((name) => ({ name, at: findWord(text, name) }))
    const inText = places.toSorted((a, b) => a.at - b.at).map(({ name }) => name)
    if (places.some(({ at }) => at < 0) || inText.every((name, id) => name === heldOut.classNames[id])) continue
    return `the metadata "${key}" has the classes ${inText.join(', ')}; the dataset has them in the order ${heldOut.classNames.join(', ')}`
  }
  return undefined
}

function findWord(text: string, name: string): number {
  return text.search(new RegExp(`\\b${name}\\b`))
}

/** Whether the outputs agree with the predictions only after they are put into another order. Undefined: they do not. */
export function findOtherOrder(record: ComplianceRecord): string | undefined {
  const { exported, heldOut } = record
  const predictions = plainRun(record, 'predict')
  if (exported?.state !== 'ran' || exported.variants.length === 0 || predictions === undefined) return undefined
  const predicted = [...predictedClasses(predictions, heldOut.truth).values()]
  const ids = heldOut.classNames.map((_, id) => id)
  const inOrder = Math.max(...exported.variants.map(({ found }) => agreement(found, predicted, ids)))
  for (const { found } of exported.variants) {
    // Of a model that finds the same in all images, nothing is known.
    if ([predicted, found].some((all) => ids.some((id) => countOf(all, id) < MIN_IMAGES))) continue
    for (const order of permutations(ids)) {
      const explained = agreement(found, predicted, order)
      if (explained < EXPLAINED || explained - inOrder < MARGIN) continue
      const named = order.map((id) => heldOut.classNames[id]).join(', ')
      return `its outputs agree with predict only if their order is ${named}; the dataset has the order ${heldOut.classNames.join(', ')}`
    }
  }
  return undefined
}

/** The share of images whose found class, renamed, is the predicted one. */
function agreement(found: readonly number[], predicted: readonly number[], order: readonly number[]): number {
  const same = found.filter((classId, index) => order[classId] === predicted[index])
  return same.length / Math.max(1, predicted.length)
}

function countOf(all: readonly number[], id: number): number {
  return all.filter((one) => one === id).length
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]))
}
