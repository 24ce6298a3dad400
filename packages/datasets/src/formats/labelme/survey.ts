import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { z } from 'zod'
import { parseJson, readLimitedText } from '../../json/json-text.ts'
import { sortNames } from '../../record/classes.ts'
import { parseFile } from './json-file.ts'
import { type KeypointNames, type LabelMeFile, LabelMeKeypoints } from './schema.ts'

/** What all files of a LabelMe dataset hold together: without a list, classes and task are known only at the end. */
export interface Survey {
  paths: string[]
  /** Files that cannot be read, with the reason. */
  broken: Map<string, DatasetError>
  labels: Set<string>
  /** Labels of shapes other than points. */
  objectLabels: Set<string>
  pointLabels: Set<string>
  shapeTypes: Set<string>
  flags: Set<string>
  /** Whether a point shares its group with another shape. */
  hasGroupedPoints: boolean
}

/** Reads every LabelMe file once. Other JSON files are skipped. */
export async function surveyFiles(
  dir: string,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Survey> {
  const survey: Survey = {
    paths: [],
    broken: new Map(),
    labels: new Set(),
    objectLabels: new Set(),
    pointLabels: new Set(),
    shapeTypes: new Set(),
    flags: new Set(),
    hasGroupedPoints: false,
  }
  for (const path of paths) {
    signal?.throwIfAborted()
    if (!/\.json$/i.test(path)) continue
    try {
      const text = await readLimitedText(dir, path)
      if (!text.includes('"shapes"')) continue
      addFile(survey, parseFile(text, path))
      survey.paths.push(path)
    } catch (error) {
      // One damaged file costs its image, not the dataset.
      if (!(error instanceof DatasetError)) throw error
      survey.broken.set(path, error)
    }
  }
  return survey
}

function addFile(survey: Survey, { shapes, flags }: LabelMeFile): void {
  const groups = new Set<string | number>()
  for (const { shape_type: type, label, group_id: group } of shapes) {
    survey.shapeTypes.add(type)
    if (label.trim() === '') continue
    survey.labels.add(label)
    ;(type === 'point' ? survey.pointLabels : survey.objectLabels).add(label)
    if (type !== 'point' && group !== undefined && group !== null) groups.add(group)
  }
  survey.hasGroupedPoints ||= shapes.some(
    ({ shape_type: type, group_id: group }) =>
      type === 'point' && group !== undefined && group !== null && groups.has(group),
  )
  for (const [name, isSet] of Object.entries(flags ?? {})) if (isSet) survey.flags.add(name)
}

export function guessTask({ shapeTypes, flags, hasGroupedPoints }: Survey): TaskType {
  if (hasGroupedPoints) return 'pose'
  if (shapeTypes.has('polygon') || shapeTypes.has('mask') || shapeTypes.has('circle')) return 'segmentation'
  if (shapeTypes.has('oriented_rectangle')) return 'obb'
  return shapeTypes.size === 0 && flags.size > 0 ? 'classification' : 'detection'
}

/** From `keypoints.json`, which our writer adds. Without it, every class has the labels of points in order. */
export async function findKeypointNames(dir: string, { pointLabels, objectLabels }: Survey): Promise<KeypointNames> {
  const text = await readFile(join(dir, 'keypoints.json'), 'utf8').catch(() => undefined)
  if (text !== undefined) {
    const parsed = LabelMeKeypoints.safeParse(parseJson(text, 'keypoints.json'))
    if (!parsed.success) throw new DatasetError(`keypoints.json: ${z.prettifyError(parsed.error)}`)
    return new Map(Object.entries(parsed.data))
  }
  const keypoints = sortNames(pointLabels)
  return new Map([...objectLabels].map((label) => [label, { keypoints }]))
}
