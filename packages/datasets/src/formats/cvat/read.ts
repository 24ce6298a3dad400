import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { readLimitedText } from '../../json/json-text.ts'
import type { DatasetClassInfo, DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { childText, findChild, parseXml, type XmlElement } from '../../xml/parse-xml.ts'
import { toSide } from '../named/loose.ts'
import type { NamedImage } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'
import { toCvatObject } from './shape.ts'
import { framesOf } from './tracks.ts'

/**
 * Opens CVAT for images 1.1, and CVAT for video 1.1: its frames are images. Boxes can be rotated, skeletons are keypoints.
 * The classes are the labels of the project or the task.
 */
export async function readCvat(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const found = listing.files.filter((path) => /\.xml$/i.test(path))
  const classes = new Map<string, Omit<DatasetClassInfo, 'id'>>()
  const paths: string[] = []
  for (const path of found) {
    // A damaged file is counted when its images are read.
    const root = await readRoot(dir, path).catch((error: unknown) => {
      if (error instanceof DatasetError) return undefined
      throw error
    })
    if (root !== undefined && root.name !== 'annotations') continue
    paths.push(path)
    for (const info of root === undefined ? [] : readClasses(root))
      if (!classes.has(info.name)) classes.set(info.name, info)
  }
  const own = new Set(paths)
  return readNamed(
    {
      format: 'cvat',
      dir,
      listing,
      isOwn: (path) => own.has(path),
      classes: classes.size === 0 ? undefined : [...classes.values()],
      images: (losses) => readEach(paths, losses, async (path) => toImages(await readRoot(dir, path), path, losses)),
    },
    options,
  )

  function toImages(root: XmlElement, path: string, losses: LossCounter): NamedImage[] {
    if (root.name !== 'annotations')
      throw new DatasetError(`${path} begins with <${root.name}>; expected <annotations> of CVAT 1.1`)
    const context = { path, classes, losses }
    const images = root.children.filter(({ name }) => name === 'image')
    const still = images.map((image): NamedImage => {
      const size = { width: toSide(image.attributes.get('width')), height: toSide(image.attributes.get('height')) }
      const name = image.attributes.get('name') ?? ''
      const from = `<image name="${name}"> in ${path}`
      return {
        name,
        from,
        ...size,
        split: findSplitOfFolder(image.attributes.get('subset') ?? ''),
        objects: image.children.flatMap((shape) => toCvatObject(shape, { ...context, ...size, from }) ?? []),
      }
    })
    return [...still, ...framesOf(root, { ...context, files: listing.files })]
  }
}

async function readRoot(dir: string, path: string): Promise<XmlElement> {
  return parseXml(await readLimitedText(dir, path), join(path))
}

/** The labels in `<meta>`. Those with a `<parent>` are the keypoints of a skeleton. */
function readClasses(root: XmlElement): Omit<DatasetClassInfo, 'id'>[] {
  const labels = (findChild(root, 'meta')?.children ?? [])
    .flatMap(({ children }) => children.filter(({ name }) => name === 'labels'))
    .flatMap(({ children }) => children.filter(({ name }) => name === 'label'))
  return labels
    .filter((label) => !childText(label, 'parent'))
    .map((label) => {
      const name = childText(label, 'name') ?? ''
      const points = labels.filter((other) => childText(other, 'parent') === name)
      return {
        name,
        color: childText(label, 'color') || undefined,
        keypoints: points.length === 0 ? undefined : points.map((point) => childText(point, 'name') ?? ''),
      }
    })
    .filter(({ name }) => name !== '')
}
