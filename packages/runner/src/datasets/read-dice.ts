import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DICE_FILE_NAMES,
  type DiceAnnotation,
  DiceFile,
  type DiceImage,
  isSafeRelativePath,
  type TaskType,
} from '@trainyard/contract'
import { fieldIssues, TrainyardError } from '@trainyard/platform'
import { UPLOAD_LIMITS } from './context.ts'
import { type DatasetContent, type DatasetImage, isImagePath, type UnpackedDataset } from './dataset-content.ts'
import { hashSplit } from './hash-split.ts'
import { createIssueList, type IssueList } from './issue-list.ts'

/** The tasks of DICE that trainers know. */
const TASK_TYPES: Readonly<Partial<Record<DiceFile['task_type'], TaskType>>> = {
  object_detection: 'detection',
  classification: 'classification',
  instance_segmentation: 'segmentation',
  keypoint_detection: 'pose',
}

/** The DICE files at the root of a dataset. */
export function findDiceFiles(dataset: UnpackedDataset): string[] {
  return DICE_FILE_NAMES.filter((name) => dataset.files.has(name))
}

/** Reads a DICE dataset. Throws `unprocessable` naming each field that is wrong, up to twenty. */
export async function readDice(dataset: UnpackedDataset, fileName: string): Promise<DatasetContent> {
  const file = await parseFile(dataset, fileName)
  const taskType = hasTurnedBoxes(file) ? 'obb' : TASK_TYPES[file.task_type]
  if (taskType === undefined)
    throw new TrainyardError(
      'unprocessable',
      `No trainer knows the task of ${fileName}: task_type is "${file.task_type}"; wanted is ` +
        `${Object.keys(TASK_TYPES).join(', ')}, or geometry_detection with a turned box ("obb") in an image. ` +
        'Of the task types of DICE only line_detection has no trainers',
    )

  const issues = createIssueList()
  const classes = file.classes.filter((entry) => entry.id !== -1)
  const classIds = new Set<number>()
  for (const [index, { id }] of classes.entries()) {
    if (id < 0) issues.add(`classes[${index}].id`, 'must be 0 or more', id)
    if (classIds.has(id)) issues.add(`classes[${index}].id`, 'must be unique: another class has it too', id)
    classIds.add(id)
  }

  const imageRoot = (file.storage_info?.image_root ?? '').replace(/^\.?\/+|\/+$/g, '')
  if (imageRoot !== '' && !isSafeRelativePath(imageRoot))
    issues.add('storage_info.image_root', 'must be a relative path that stays inside the dataset', imageRoot)
  const images: DatasetImage[] = []
  const seen = new Set<string>()
  let annotations = 0
  for (const [index, image] of file.images.entries()) {
    const where = `images[${index}]`
    const path = locate(dataset, imageRoot, image, where, issues)
    for (const [position, annotation] of image.annotations.entries()) {
      if (annotation.class_id !== -1 && annotation.is_background !== true) annotations += 1
      checkAnnotation(annotation, classIds, `${where}.annotations[${position}]`, issues)
    }
    if (path === undefined) continue
    if (seen.has(path)) issues.add(`${where}.file_name`, 'must be unique: another image has it too', image.file_name)
    seen.add(path)
    images.push({
      path,
      split: image.split ?? hashSplit(path),
      splitGiven: image.split != null,
      classIds: [...new Set(image.annotations.map((annotation) => annotation.class_id).filter((id) => id >= 0))],
      labelled: image.annotations.length > 0,
      ...(image.width > 0 && image.height > 0
        ? { declared: { width: image.width, height: image.height, field: `${where}.width` } }
        : {}),
    })
  }
  issues.throwIfAny(`${fileName} is not usable`)
  if (images.length === 0)
    throw new TrainyardError('unprocessable', `${fileName} lists no images: a dataset needs at least one`)

  // Images that nobody has annotated yet: kept, and handed out to those who ask for all.
  for (const path of dataset.files.keys())
    if (isImagePath(path) && !seen.has(path))
      images.push({ path, split: hashSplit(path), splitGiven: false, classIds: [], labelled: false })

  return {
    format: 'dice',
    taskType,
    classes: classes.map(({ id, name, color }) => ({ id, name, ...(color ? { color } : {}) })),
    images,
    annotationFiles: [fileName],
    annotations,
  }
}

/** DICE has one word for every geometry; the turned box is the one that trainers know, as the SDK's reader says too. */
function hasTurnedBoxes({ task_type, images }: DiceFile): boolean {
  const isTurned = (annotation: DiceAnnotation) => annotation.type === 'obb'
  return task_type === 'geometry_detection' && images.some(({ annotations }) => annotations.some(isTurned))
}

async function parseFile(dataset: UnpackedDataset, fileName: string): Promise<DiceFile> {
  const sizeBytes = dataset.files.get(fileName) ?? 0
  if (sizeBytes > UPLOAD_LIMITS.maxAnnotationBytes)
    throw new TrainyardError(
      'unprocessable',
      `${fileName} has ${sizeBytes} bytes; at most ${UPLOAD_LIMITS.maxAnnotationBytes} can be read`,
    )
  const text = await readFile(join(dataset.dir, fileName), 'utf8')
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TrainyardError('unprocessable', `${fileName} is not JSON: ${reason}`, { cause })
  }
  const parsed = DiceFile.safeParse(value)
  if (parsed.success) return parsed.data
  if (typeof value === 'object' && value !== null && 'categories' in value && 'annotations' in value)
    throw new TrainyardError(
      'unprocessable',
      `${fileName} is laid out as COCO ("categories" and "annotations" at the top); wanted DICE: "classes", and "images" that hold their annotations`,
    )
  const issues = createIssueList()
  for (const issue of fieldIssues(parsed.error, value))
    issues.add(issue.path.replace(/\.(\d+)(?=\.|$)/g, '[$1]') || 'the file', issue.detail, issue.value)
  issues.throwIfAny(`${fileName} is not a valid DICE file`)
  throw parsed.error
}

/** The path of an image in the archive: `image_root` and `file_name`, as the SDK's reader joins them. */
function locate(
  dataset: UnpackedDataset,
  imageRoot: string,
  image: DiceImage,
  where: string,
  issues: IssueList,
): string | undefined {
  const path = imageRoot === '' ? image.file_name : `${imageRoot}/${image.file_name}`
  if (!isSafeRelativePath(path)) {
    issues.add(`${where}.file_name`, 'must be a relative path that stays inside the dataset', image.file_name)
    return undefined
  }
  if (dataset.files.has(path)) return path
  const looked = imageRoot === '' ? '' : ` (looked for ${path}, below storage_info.image_root)`
  issues.add(`${where}.file_name`, `names an image that is not in the archive${looked}`, image.file_name)
  return undefined
}

function checkAnnotation(
  annotation: DiceAnnotation,
  classIds: ReadonlySet<number>,
  where: string,
  issues: IssueList,
): void {
  const { class_id: classId, bbox } = annotation
  if (classId !== -1 && !classIds.has(classId)) {
    const known = classIds.size > 10 ? `one of the ${classIds.size} ids in classes` : [...classIds].join(', ')
    issues.add(`${where}.class_id`, `must be the id of a class (${known || 'there are none'}), or -1`, classId)
  }
  if (bbox === undefined) return
  if (bbox.length !== 4) issues.add(`${where}.bbox`, 'must be four numbers: x, y, width, height', bbox)
  else if ((bbox[2] ?? 0) < 0 || (bbox[3] ?? 0) < 0)
    issues.add(`${where}.bbox`, 'must have a width and height of 0 or more', bbox)
}
