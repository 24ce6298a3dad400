import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DICE_FILE_NAMES,
  type DiceAnnotation,
  DiceFile,
  type DiceImage,
  TASK_TYPE_ALIASES,
  TaskType,
} from '../../../contract/index.ts'
import { DatasetError } from '../../../errors.ts'
import { datasetPath } from '../../dataset-path.ts'
import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord } from '../../record.ts'

/** The DICE annotation file at the root of a folder: undefined when there is none. */
export async function findDiceFile(dir: string): Promise<string | undefined> {
  const names = await readdir(dir).catch((): string[] => [])
  return DICE_FILE_NAMES.find((name) => names.includes(name))
}

/** Opens a dataset in the platform's own format. Throws `DatasetError` naming the field, what was seen and what is wanted. */
export async function readDice(dir: string): Promise<DatasetReader> {
  const name = await findDiceFile(dir)
  if (name === undefined)
    throw new DatasetError(`No DICE annotation file (${DICE_FILE_NAMES.join(', ')}) in the dataset`)
  const file = parseDice(await readFile(join(dir, name), 'utf8'), name)
  const classes: DatasetClassInfo[] = file.classes.map(({ id, name, color }) => ({
    id,
    name,
    ...(color ? { color } : {}),
  }))
  if (file.images.length === 0) throw new DatasetError(`The dataset has no images: "images" in ${name} is empty`)
  const known = new Set(classes.map(({ id }) => id))
  const imageRoot = (file.storage_info?.image_root ?? '').replace(/^\.?\/+|\/+$/g, '')

  return {
    format: 'dice',
    taskType: TaskType.parse(
      TASK_TYPE_ALIASES[file.task_type] ?? (file.task_type === 'classification' ? file.task_type : 'detection'),
    ),
    classes,
    async *images() {
      for (const [index, image] of file.images.entries()) yield toRecord(image, `images[${index}]`)
    },
  }

  function toRecord(image: DiceImage, field: string): ImageRecord {
    datasetPath(dir, image.file_name, `${field}.file_name in ${name}`)
    const path = imageRoot === '' ? image.file_name : `${imageRoot}/${image.file_name}`
    datasetPath(dir, path, `storage_info.image_root with ${field}.file_name in ${name}`)
    const annotations: Annotation[] = []
    for (const [index, annotation] of image.annotations.entries()) {
      const { class_id: classId } = annotation
      if (classId === -1 || annotation.is_background) continue
      if (!known.has(classId)) {
        const wanted = [...known].slice(0, 20).join(', ')
        throw new DatasetError(
          `${field}.annotations[${index}].class_id in ${name} is ${classId}; wanted is the id of a class: ${wanted}`,
        )
      }
      annotations.push(toAnnotation(annotation))
    }
    return {
      path,
      file: join(dir, path),
      width: image.width,
      height: image.height,
      split: image.split ?? undefined,
      annotations,
    }
  }
}

function toAnnotation({ class_id: classId, bbox, ...rest }: DiceAnnotation): Annotation {
  const [x, y, width, height] = bbox ?? []
  if (x !== undefined && y !== undefined && width !== undefined && height !== undefined) {
    return { kind: 'box', classId, bbox: [x, y, width, height] }
  }
  const hasShape = ['segmentation', 'polyline', 'circle', 'keypoints', 'geometry'].some((key) => rest[key] != null)
  return hasShape ? { kind: 'other', classId } : { kind: 'class', classId }
}

function parseDice(text: string, name: string): DiceFile {
  let json: unknown
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new DatasetError(`${name} is not JSON: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  json = unflatten(json)
  const parsed = DiceFile.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') ?? ''
  const seen = issue?.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    json,
  )
  const shown = seen === undefined ? 'missing' : (JSON.stringify(seen) ?? String(seen)).slice(0, 200)
  throw new DatasetError(`${path.replace(/^\./, '') || 'The top level'} in ${name} is ${shown}; ${issue?.message}`)
}

/** The flat variant: `categories` for classes, and `annotations` beside the images as COCO has them. */
function unflatten(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json
  const { categories, annotations, images, ...rest } = json as Record<string, unknown>
  if (!Array.isArray(annotations) || !Array.isArray(images)) return json
  const byImage = new Map<string, unknown[]>()
  for (const annotation of annotations as Record<string, unknown>[]) {
    // Ids are numbers in one place and text in another.
    const key = String(annotation?.image_id)
    const classId = annotation?.class_id ?? annotation?.category_id
    const list = byImage.get(key) ?? []
    list.push({ ...annotation, class_id: classId })
    byImage.set(key, list)
  }
  return {
    format_version: 'flat',
    classes: categories,
    ...rest,
    images: (images as Record<string, unknown>[]).map((image) => ({
      ...image,
      annotations: byImage.get(String(image?.id)) ?? [],
    })),
  }
}
