import type { SplitName } from '@trainyard/contract'
import { DIGIT_SIZE } from './read-digits.ts'

/** One picture of the sample. */
export interface SampleImage {
  /** Relative to `images/`. */
  fileName: string
  digit: number
  split: SplitName
}

export const ANNOTATION_FILE = 'annotations_classification.json'
export const IMAGE_ROOT = 'images'

/** The sample was made once and never changes, so its dates are constants: same input, same bytes. */
const CREATED_AT = '2026-01-01T00:00:00.000Z'

const COLORS = [
  '#4e79a7',
  '#f28e2b',
  '#e15759',
  '#76b7b2',
  '#59a14f',
  '#edc948',
  '#b07aa1',
  '#ff9da7',
  '#9c755f',
  '#bab0ac',
]

/** The sample's annotations in DICE. */
export function diceDocument(images: readonly SampleImage[]): Record<string, unknown> {
  return {
    format_version: '1.0',
    dataset_id: 'handwritten-digits',
    dataset_name: 'Handwritten digits',
    task_type: 'classification',
    created_at: CREATED_AT,
    last_modified_at: CREATED_AT,
    version: 1,
    storage_info: { storage_type: 'local', bucket: '', image_root: IMAGE_ROOT },
    classes: COLORS.map((color, id) => ({ id, name: String(id), color, supercategory: 'digit' })),
    images: images.map(diceImage),
    statistics: {
      total_images: images.length,
      total_annotations: images.length,
      avg_annotations_per_image: 1,
      class_distribution: countBy(images, (image) => String(image.digit)),
      split_distribution: countBy(images, (image) => image.split),
    },
  }
}

function diceImage(image: SampleImage, index: number): Record<string, unknown> {
  const id = index + 1
  return {
    id,
    file_name: image.fileName,
    file_format: 'png',
    width: DIGIT_SIZE,
    height: DIGIT_SIZE,
    depth: 1,
    split: image.split,
    annotations: [{ id, image_id: id, class_id: image.digit, class_name: String(image.digit), attributes: {} }],
    metadata: { labeled_by: null, labeled_at: CREATED_AT, reviewed_by: null, reviewed_at: null, source: 'mnist' },
  }
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1
  return counts
}
