import { IMAGE_NAME } from '../../files/list-files.ts'
import { splitExtension } from '../../files/split-extension.ts'
import type { DatasetClassInfo } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findChild, type XmlElement } from '../../xml/parse-xml.ts'
import { toNumber, toSide } from '../named/loose.ts'
import type { NamedImage } from '../named/named-image.ts'
import { toCvatObject } from './shape.ts'

export interface TracksContext {
  path: string
  classes: ReadonlyMap<string, Omit<DatasetClassInfo, 'id'>>
  losses: LossCounter
  files: readonly string[]
}

/** The frames of a video as images: every shape of a track that is not outside of its frame. */
export function framesOf(root: XmlElement, { path, classes, losses, files }: TracksContext): NamedImage[] {
  const tracks = root.children.filter(({ name }) => name === 'track')
  if (tracks.length === 0) return []
  const size = readSize(root)
  const nameOf = createNames(files)
  const frames = new Map<number, NamedImage>()
  for (const track of tracks) {
    const label = track.attributes.get('label')
    for (const shape of track.children) {
      const frame = toNumber(shape.attributes.get('frame'))
      if (shape.attributes.get('outside') === '1' || shape.name === 'attribute') continue
      const from = `frame ${frame} in ${path}`
      if (!Number.isSafeInteger(frame) || frame < 0) {
        losses.add('annotation-invalid', `${path}: frame="${shape.attributes.get('frame')}" of a track`)
        continue
      }
      let image = frames.get(frame)
      if (image === undefined) {
        image = { name: nameOf(frame), from, ...size, objects: [] }
        frames.set(frame, image)
      }
      const object = toCvatObject(shape, { classes, losses, from, ...size }, label)
      const id = toNumber(track.attributes.get('id'))
      if (object !== undefined)
        image.objects.push(
          Number.isFinite(id) ? { ...object, attributes: { ...object.attributes, track_id: id } } : object,
        )
    }
  }
  return [...frames].sort(([a], [b]) => a - b).map(([, image]) => image)
}

function readSize(root: XmlElement): { width: number; height: number } {
  for (const part of findChild(root, 'meta')?.children ?? [root]) {
    const size = findChild(part, 'original_size')
    if (size !== undefined)
      return { width: toSide(findChild(size, 'width')?.text), height: toSide(findChild(size, 'height')?.text) }
  }
  return { width: 0, height: 0 }
}

/** CVAT calls the frames of its exports `frame_000007.PNG`. Other tools number them: the last number of the name counts. */
function createNames(files: readonly string[]): (frame: number) => string {
  const byNumber = new Map<number, string>()
  for (const path of files) {
    if (!IMAGE_NAME.test(path)) continue
    const [digits] = /\d+(?=\D*$)/.exec(splitExtension(path.slice(path.lastIndexOf('/') + 1)).stem) ?? []
    if (digits !== undefined && !byNumber.has(Number(digits))) byNumber.set(Number(digits), path)
  }
  return (frame) => byNumber.get(frame) ?? `frame_${String(frame).padStart(6, '0')}.png`
}
