import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { toClasses } from '../../record/classes.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { childText } from '../../xml/parse-xml.ts'
import { readAnnotationXml } from './annotation-xml.ts'
import { readImageSets } from './image-sets.ts'
import { readVocLabels } from './labels.ts'
import { keyOf, keyOfImage, VocImageReader } from './read-images.ts'
import { findMasks } from './read-masks.ts'

/**
 * Opens Pascal VOC: the folders of the devkit (`Annotations`, `JPEGImages`, `ImageSets/Main`) at any depth, or XML files
 * beside their images, in folders named after splits or not. Without a `classes.txt` the classes are the names in order.
 * Where every image has masks (with the task `segmentation`, where any has), the masks are the objects, and images without
 * masks are left out.
 */
export async function readVoc(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { signal, vocOneBased = false, outlines = true, task, name = `"${dir}"` } = options
  const listing = await listFiles(dir, options)
  const { files } = listing
  const found = files.filter((path) => /\.xml$/i.test(path) && !path.includes('ImageSets/'))
  const masks = findMasks(files)
  if (found.length === 0 && masks.size === 0)
    throw new DatasetError(`No Pascal VOC annotations (*.xml) in ${name}`, { reason: 'no-annotations' })
  const losses = new LossCounter()
  const { names, shapes, broken } = await collectNames(dir, found, signal)
  const xmlPaths = found.filter((path) => !broken.has(path))
  const [firstError] = broken.values()
  if (firstError !== undefined && xmlPaths.length === 0 && masks.size === 0) throw firstError
  for (const error of broken.values()) losses.add('label-file-invalid', error.message)
  const labels = await readVocLabels(dir, names, masks.size > 0)
  const classes = toClasses(labels.names)
  const hasPolygons = shapes.has('polygon')
  const isMasked = masks.size > 0 && xmlPaths.every((path) => masks.has(keyOf(path)))
  const ownTask = shapes.has('robndbox') ? 'obb' : hasPolygons || isMasked ? 'segmentation' : 'detection'
  const taskType = task ?? ownTask
  const survey = {
    dir,
    listing,
    xmlPaths,
    masks,
    labels,
    classIds: new Map(classes.map(({ id, name }) => [name, id])),
    taskType,
    splits: await readImageSets(dir, files, {
      preferred: taskType === 'segmentation' ? 'Segmentation' : 'Main',
      known: new Set([...xmlPaths.map(keyOf), ...masks.keys(), ...files.flatMap(keyOfImage)]),
      losses,
    }),
    broken: new Set([...broken.keys()].map(keyOf)),
    hasPolygons,
    oneBased: vocOneBased,
    outlines,
  }
  return {
    format: 'voc',
    taskType,
    classes,
    losses,
    images: () => new VocImageReader(survey, losses).read(signal),
  }
}

/** The class names of all objects, and the names of their members, such as `bndbox` and `polygon`. */
async function collectNames(
  dir: string,
  xmlPaths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ names: Set<string>; shapes: Set<string>; broken: Map<string, DatasetError> }> {
  const names = new Set<string>()
  const shapes = new Set<string>()
  const broken = new Map<string, DatasetError>()
  for (const path of xmlPaths) {
    signal?.throwIfAborted()
    const root = await readAnnotationXml(dir, path).catch((error: unknown) => {
      // One damaged file costs its image, not the dataset.
      if (!(error instanceof DatasetError)) throw error
      broken.set(path, error)
      return undefined
    })
    for (const object of root?.children ?? []) {
      if (object.name !== 'object') continue
      const name = childText(object, 'name')
      if (name) names.add(name)
      for (const { name: shape } of object.children) shapes.add(shape)
    }
  }
  return { names, shapes, broken }
}
