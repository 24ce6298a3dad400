import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findClassList } from '../../files/find-class-list.ts'
import { listFiles } from '../../files/list-files.ts'
import { sortNames, toClasses } from '../../record/classes.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { LabelMeImageReader } from './read-images.ts'
import { findKeypointNames, guessTask, surveyFiles } from './survey.ts'

/** Names at the top of LabelMe's own lists that are not classes. */
const NOT_CLASSES = new Set(['__ignore__', '_background_'])

/**
 * Opens LabelMe: one JSON file an image, in one folder or many. Classes are the lines of `labels.txt`, otherwise the labels
 * in order. Points that share a group with a box are its keypoints; polygons that share label and group are one object.
 */
export async function readLabelme(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { signal, task, name = `"${dir}"` } = options
  const listing = await listFiles(dir, options)
  const survey = await surveyFiles(dir, listing.files, signal)
  const [firstError] = survey.broken.values()
  if (survey.paths.length === 0 && firstError !== undefined) throw firstError
  if (survey.paths.length === 0)
    throw new DatasetError(`No LabelMe annotations (*.json with "shapes") in ${name}`, { reason: 'no-annotations' })
  const taskType = task ?? guessTask(survey)
  const keypoints = taskType === 'pose' ? await findKeypointNames(dir, survey) : undefined
  const labels = { classification: survey.flags, pose: survey.objectLabels }
  const found = taskType === 'classification' || taskType === 'pose' ? labels[taskType] : survey.labels
  const names = (await findClassList(dir, ['labels.txt'])) ?? sortNames(found)
  const classes = toClasses(names.filter((name) => !NOT_CLASSES.has(name))).map((info) => {
    const known = keypoints?.get(info.name)
    return known === undefined ? info : { ...info, keypoints: known.keypoints, skeleton: known.skeleton }
  })
  const losses = new LossCounter()
  for (const error of survey.broken.values()) losses.add('label-file-invalid', error.message)
  const images = new LabelMeImageReader({
    dir,
    listing,
    jsonPaths: survey.paths,
    broken: new Set(survey.broken.keys()),
    classIds: new Map(classes.map(({ id, name }) => [name, id])),
    taskType,
    keypoints,
    losses,
  })
  return {
    format: 'labelme',
    taskType,
    classes,
    losses,
    images: () => images.read(signal),
    close: () => images.close(),
  }
}
