import { DICE_TASKS, DiceFile, type FieldIssue, isSafeRelativePath, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetClassInfo } from '../../record/record.ts'
import type { DiceIndex } from './index-dice-file.ts'
import { createIssue, toDatasetError, toIssues } from './issues.ts'

/** Everything in a DICE file that is not an image. */
export interface DiceHead {
  taskType: TaskType
  datasetName: string | undefined
  classes: DatasetClassInfo[]
  /** Position in `classes` by the id in the file. */
  classById: ReadonlyMap<number, number>
  /** Relative to the dataset, without slashes at its ends; empty for the dataset's root. */
  imageRoot: string
  /** What else is at the top of the file. */
  attributes: Record<string, unknown>
}

const Head = DiceFile.omit({ images: true })

/**
 * Checks the top of a DICE file. Throws `DatasetError` with every issue that it found; `unknown-task` when `task_type`
 * has no trainers and the caller gave no `task` to read the file for.
 */
export function readHead(index: DiceIndex, name: string, task: TaskType | undefined): DiceHead {
  const { members } = index
  const { categories, ...rest } = members
  const isFlat = categories !== undefined && rest.classes === undefined
  if (isFlat && rest.task_type === undefined) {
    throw new DatasetError(
      `${name} is laid out as COCO ("categories" without "task_type"), not as DICE; read it as format "coco"`,
    )
  }
  const value = isFlat ? { format_version: 'flat', ...rest, classes: categories } : rest
  const parsed = Head.safeParse(value)
  if (!parsed.success) throw toDatasetError(name, toIssues(parsed.error, value))
  const head = parsed.data

  const issues = checkClasses(head.classes)
  if (members.images !== undefined) issues.push(createIssue('images', 'must be an array', members.images))
  const imageRoot = (head.storage_info?.image_root ?? '').replace(/^\.?\/+|\/+$/g, '')
  if (imageRoot !== '' && !isSafeRelativePath(imageRoot)) {
    const detail = 'must be a relative path that stays inside the dataset'
    issues.push(createIssue('storage_info.image_root', detail, imageRoot))
  }
  if (issues.length > 0) throw toDatasetError(name, issues)

  const taskType = findTask(head.task_type, index.hasOrientedBoxes) ?? task
  if (taskType === undefined) throw unknownTask(head.task_type, name)
  const { classes: _, statistics: __, ...attributes } = rest
  return { taskType, datasetName: head.dataset_name, ...toClasses(head.classes), imageRoot, attributes }
}

/** DICE has one task for every geometry. The oriented box is the only one that trainers know. */
function findTask(diceTask: DiceFile['task_type'], hasOrientedBoxes: boolean): TaskType | undefined {
  if (diceTask === DICE_TASKS.obb && !hasOrientedBoxes) return undefined
  return (Object.keys(DICE_TASKS) as TaskType[]).find((task) => DICE_TASKS[task] === diceTask)
}

function unknownTask(diceTask: string, name: string): DatasetError {
  const { obb, ...others } = DICE_TASKS
  const known = Object.values(others).join(', ')
  const detail = `must be one of ${known}, or ${obb} with an annotation of type "obb"; no trainer knows another task`
  return toDatasetError(name, [createIssue('task_type', detail, diceTask)], 'unknown-task')
}

/** The class of the background has the id -1. */
function checkClasses(list: DiceFile['classes']): FieldIssue[] {
  const issues: FieldIssue[] = []
  const ids = new Set<number>()
  for (const [index, { id }] of list.entries()) {
    const path = `classes[${index}].id`
    if (id < -1) issues.push(createIssue(path, 'must be 0 or more, or -1 for the background', id))
    if (ids.has(id)) issues.push(createIssue(path, 'must be unique: another class has it too', id))
    ids.add(id)
  }
  return issues
}

/** Numbers the classes in the order of their ids, which may have gaps. */
function toClasses(list: DiceFile['classes']): Pick<DiceHead, 'classes' | 'classById'> {
  const sorted = list.filter(({ id }) => id >= 0).sort((a, b) => a.id - b.id)
  const classes = sorted.map(({ id: sourceId, name, color, supercategory, keypoints, skeleton }, id) => {
    const info: DatasetClassInfo = { id, name, sourceId }
    if (color != null) info.color = color
    if (supercategory != null) info.supercategory = supercategory
    if (Array.isArray(keypoints) && keypoints.length > 0) info.keypoints = keypoints.map(String)
    if (Array.isArray(skeleton)) {
      const pairs = skeleton.filter((pair): pair is [number, number] => Array.isArray(pair) && pair.length === 2)
      if (pairs.length > 0) info.skeleton = pairs.map(([from, to]) => [from - 1, to - 1])
    }
    return info
  })
  return { classes, classById: new Map(sorted.map(({ id }, position) => [id, position])) }
}
