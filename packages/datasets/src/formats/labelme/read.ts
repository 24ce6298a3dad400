import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { z } from 'zod'
import { findClassList } from '../../files/find-class-list.ts'
import { IMAGE_NAME, listFiles } from '../../files/list-files.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { splitExtension } from '../../files/split-extension.ts'
import { sortNames, toClasses } from '../../record/classes.ts'
import type { DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { type KeypointNames, LabelMeFile, LabelMeKeypoints } from './schema.ts'
import { toAnnotations } from './shapes.ts'

/** Names that LabelMe's own lists begin with: no classes. */
const NO_CLASS = new Set(['__ignore__', '_background_'])
/** With its image inside a file has a few megabytes; one that does not fit into a string of V8 is no LabelMe file. */
const MAX_JSON_BYTES = 500_000_000

/**
 * Opens LabelMe: a JSON file an image, in one folder or many. Classes are the lines of `labels.txt`, else the labels in
 * order. Points that share a group with a box are its keypoints; polygons that share label and group are one object.
 */
export async function readLabelme(
  dir: string,
  { signal, task, name = `"${dir}"` }: ReadOptions = {},
): Promise<DatasetReader> {
  const { files, skipped } = await listFiles(dir, signal)
  const survey = await surveyFiles(dir, files, signal)
  if (survey.files.length === 0) {
    throw new DatasetError(`No LabelMe annotations (*.json with "shapes") in ${name}`, { reason: 'no-annotations' })
  }
  const taskType = task ?? guessTask(survey)
  const keypoints = taskType === 'pose' ? await findKeypointNames(dir, survey) : undefined
  const listed = (await findClassList(dir, ['labels.txt']))?.filter((name) => !NO_CLASS.has(name))
  const labels =
    taskType === 'classification' ? survey.flags : taskType === 'pose' ? survey.objectLabels : survey.labels
  const classes = toClasses(listed ?? sortNames(labels).filter((name) => !NO_CLASS.has(name))).map((item) =>
    withKeypoints(item, keypoints),
  )
  const classIds = new Map(classes.map(({ id, name }) => [name, id]))
  const losses = new LossCounter()
  const present = new Set(files)
  let unpacked: string | undefined

  return {
    format: 'labelme',
    taskType,
    classes,
    losses,
    async *images() {
      for (const path of skipped) losses.add('image-unsafe-path', path)
      const seen = new Set<string>()
      for (const path of survey.files) {
        signal?.throwIfAborted()
        const record = await toRecord(path, parseFile(await readText(dir, path), path))
        if (record === undefined) continue
        if (seen.has(record.path)) losses.add('image-duplicate', `${path} is one more annotation of ${record.path}`)
        else yield record
        seen.add(record.path)
      }
      for (const path of files)
        if (IMAGE_NAME.test(path) && !seen.has(path)) losses.add('image-unlabelled', `${path} has no JSON file`)
    },
    async close() {
      if (unpacked !== undefined) await rm(unpacked, { recursive: true, force: true })
    },
  }

  async function toRecord(path: string, file: LabelMeFile): Promise<ImageRecord | undefined> {
    const imagePath = findImage(path, file)
    const width = file.imageWidth ?? 0
    const height = file.imageHeight ?? 0
    const pixels = present.has(imagePath) ? join(dir, imagePath) : await unpackImage(imagePath, file)
    const annotations = toAnnotations(file.shapes, { path, width, height, classIds, keypoints, losses })
    if (taskType === 'classification') {
      for (const [name, isSet] of Object.entries(file.flags ?? {})) {
        const classId = classIds.get(name)
        if (isSet && classId !== undefined) annotations.push({ kind: 'class', classId })
      }
    }
    const flags = taskType === 'classification' ? {} : (file.flags ?? {})
    return {
      path: imagePath,
      ...(pixels === undefined ? {} : { file: pixels }),
      width,
      height,
      split: findSplitOfFolder(path.split('/')[0] ?? ''),
      annotations,
      ...(Object.keys(flags).length === 0 ? {} : { attributes: { flags } }),
    }
  }

  /** `imagePath` is relative to the JSON file, of any system, and may lead out of the dataset: then the name counts. */
  function findImage(path: string, file: LabelMeFile): string {
    const folder = posix.dirname(path) === '.' ? '' : posix.dirname(path)
    const named = toPortablePath(file.imagePath ?? '', folder)
    if (named !== undefined && present.has(named)) return named
    const baseName = (file.imagePath ?? '').split(/[\\/]/).at(-1) ?? ''
    const beside = toPortablePath(baseName, folder)
    if (named === undefined)
      losses.add('image-unsafe-path', `imagePath in ${path} is ${JSON.stringify(file.imagePath)}`)
    if (beside !== undefined && beside !== folder && present.has(beside)) return beside
    const { stem } = splitExtension(path)
    const sibling = ['.jpg', '.jpeg', '.png', '.JPG', '.JPEG', '.PNG']
      .map((end) => stem + end)
      .find((name) => present.has(name))
    return sibling ?? named ?? beside ?? `${stem}.jpg`
  }

  /** The pixels inside the JSON file, where the image itself is not there. */
  async function unpackImage(path: string, { imageData }: LabelMeFile): Promise<string | undefined> {
    if (typeof imageData !== 'string' || imageData === '') return undefined
    unpacked ??= await mkdtemp(join(tmpdir(), 'trainyard-labelme-'))
    const file = join(
      unpacked,
      `${Buffer.from(path).toString('base64url').slice(-200)}${splitExtension(path).extension}`,
    )
    await writeFile(file, Buffer.from(imageData, 'base64'))
    return file
  }
}

interface Survey {
  files: string[]
  labels: Set<string>
  /** Labels of shapes that are not points. */
  objectLabels: Set<string>
  pointLabels: Set<string>
  shapeTypes: Set<string>
  flags: Set<string>
  /** Whether a point shares its group with a rectangle or a polygon. */
  hasGroupedPoints: boolean
}

/** One pass over everything before the first record: without a list, classes and task are only known at the end. */
async function surveyFiles(dir: string, paths: readonly string[], signal: AbortSignal | undefined): Promise<Survey> {
  const survey: Survey = {
    files: [],
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
    const text = await readText(dir, path)
    if (!text.includes('"shapes"')) continue
    const file = parseFile(text, path)
    survey.files.push(path)
    const groups = new Set<number>()
    for (const { shape_type: type, label, group_id: group } of file.shapes) {
      survey.shapeTypes.add(type)
      survey.labels.add(label)
      ;(type === 'point' ? survey.pointLabels : survey.objectLabels).add(label)
      if (type !== 'point' && typeof group === 'number') groups.add(group)
    }
    survey.hasGroupedPoints ||= file.shapes.some(
      ({ shape_type: type, group_id: group }) => type === 'point' && typeof group === 'number' && groups.has(group),
    )
    for (const [name, isSet] of Object.entries(file.flags ?? {})) if (isSet) survey.flags.add(name)
  }
  return survey
}

function guessTask({ shapeTypes, flags, hasGroupedPoints }: Survey): TaskType {
  if (hasGroupedPoints) return 'pose'
  if (shapeTypes.has('polygon') || shapeTypes.has('mask') || shapeTypes.has('circle')) return 'segmentation'
  if (shapeTypes.has('oriented_rectangle')) return 'obb'
  return shapeTypes.size === 0 && flags.size > 0 ? 'classification' : 'detection'
}

/** From `keypoints.json`, which our writer leaves, else the labels of points in order, for every class. */
async function findKeypointNames(dir: string, { pointLabels, objectLabels }: Survey): Promise<KeypointNames> {
  const text = await readFile(join(dir, 'keypoints.json'), 'utf8').catch(() => undefined)
  if (text !== undefined) {
    const parsed = LabelMeKeypoints.safeParse(parseJson(text, 'keypoints.json'))
    if (!parsed.success) throw new DatasetError(`keypoints.json: ${z.prettifyError(parsed.error)}`)
    return new Map(Object.entries(parsed.data))
  }
  const keypoints = sortNames(pointLabels)
  return new Map([...objectLabels].map((label) => [label, { keypoints }]))
}

function withKeypoints(item: DatasetClassInfo, names: KeypointNames | undefined): DatasetClassInfo {
  const found = names?.get(item.name)
  if (found === undefined) return item
  return { ...item, keypoints: found.keypoints, ...(found.skeleton ? { skeleton: found.skeleton } : {}) }
}

async function readText(dir: string, path: string): Promise<string> {
  const { size } = await stat(join(dir, path))
  if (size > MAX_JSON_BYTES)
    throw new DatasetError(`${path} has ${size} bytes; wanted are at most ${MAX_JSON_BYTES} for one image`)
  return (await readFile(join(dir, path), 'utf8')).replace(/^\ufeff/, '')
}

function parseFile(text: string, path: string): LabelMeFile {
  const json = parseJson(text, path)
  const parsed = LabelMeFile.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') ?? ''
  throw new DatasetError(`${field.replace(/^\./, '') || 'The top level'} in ${path}: ${issue?.message}`)
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DatasetError(`${path} is not JSON: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}
