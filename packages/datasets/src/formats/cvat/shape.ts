import { boxOfCorners, boxOfRings } from '../../geometry/box.ts'
import { rotateCorners } from '../../geometry/obb.ts'
import type { DatasetClassInfo } from '../../record/record.ts'
import type { LossCounter, LossReason } from '../../report/loss-counter.ts'
import type { XmlElement } from '../../xml/parse-xml.ts'
import { toNumber } from '../named/loose.ts'
import type { NamedObject } from '../named/named-image.ts'
import { ellipseRing, runsOfBox } from '../named/outlines.ts'

export interface CvatContext {
  classes: ReadonlyMap<string, Omit<DatasetClassInfo, 'id'>>
  losses: LossCounter
  /** The image, for messages. */
  from: string
  width: number
  height: number
}

type Geometry = Omit<NamedObject, 'label'>

/** One shape or tag of an image. Undefined, and counted, for one that cannot be used. */
export function toCvatObject(
  shape: XmlElement,
  context: CvatContext,
  label = shape.attributes.get('label'),
): NamedObject | undefined {
  const lose = (reason: LossReason, what: string): undefined =>
    void context.losses.add(reason, `${context.from}: ${what}`)
  if (label === undefined) return lose('annotation-invalid', `<${shape.name}> has no label`)
  const geometry = toGeometry(shape, context, label, lose)
  if (geometry === undefined) return undefined
  const attributes = { ...readAttributes(shape), ...geometry.attributes }
  const group = toNumber(shape.attributes.get('group_id'))
  return {
    ...geometry,
    label,
    group: group > 0 ? group : undefined,
    attributes: Object.keys(attributes).length === 0 ? undefined : attributes,
  }
}

function toGeometry(
  shape: XmlElement,
  context: CvatContext,
  label: string,
  lose: (reason: LossReason, what: string) => undefined,
): Geometry | undefined {
  const number = (name: string) => toNumber(shape.attributes.get(name))
  const degrees = number('rotation') || 0
  const points = readPoints(shape.attributes.get('points') ?? '')
  switch (shape.name) {
    case 'tag':
      return { kind: 'class' }
    case 'box': {
      const bbox = boxOfCorners(number('xtl'), number('ytl'), number('xbr'), number('ybr'))
      if (degrees % 360 === 0) return { kind: 'box', bbox }
      const [x, y, width, height] = bbox
      const centre = { x: x + width / 2, y: y + height / 2, width, height }
      return { kind: 'obb', obb: rotateCorners(centre, (degrees * Math.PI) / 180) }
    }
    case 'polygon':
      return { kind: 'polygon', polygons: [points], bbox: boxOfRings([points]) }
    case 'ellipse': {
      const ring = ellipseRing(number('cx'), number('cy'), number('rx'), number('ry'), degrees)
      lose('polygon-from-circle', `an ellipse of ${label}`)
      return { kind: 'polygon', polygons: [ring], bbox: boxOfRings([ring]) }
    }
    case 'mask':
      return readMask(shape, context, lose)
    case 'skeleton':
      return readSkeleton(shape, context, label, lose)
    case 'points':
    case 'polyline':
      return {
        kind: 'other',
        attributes: { shape: { type: shape.name === 'points' ? 'points' : 'linestrip', points } },
      }
    default:
      return lose('annotation-kind-not-supported', `<${shape.name}>`)
  }
}

/** `x,y;x,y`. */
function readPoints(text: string): number[] {
  return text.trim() === '' ? [] : text.split(/[;,]/).map(toNumber)
}

/** Run lengths row by row in a box, starting with pixels that are not set. */
function readMask(
  shape: XmlElement,
  { width, height }: CvatContext,
  lose: (reason: LossReason, what: string) => undefined,
): Geometry | undefined {
  const [left = 0, top = 0, w = 0, h = 0] = ['left', 'top', 'width', 'height'].map((name) =>
    toNumber(shape.attributes.get(name)),
  )
  const runs = (shape.attributes.get('rle') ?? '').split(',').map(toNumber)
  const box = { left, top, width: w, height: h }
  const isWhole = Object.values(box).every(Number.isSafeInteger) && w > 0 && h > 0
  const sum = runs.reduce((total, run) => total + run, 0)
  if (!isWhole || left + w > width || top + h > height || left < 0 || top < 0)
    return lose('mask-size-mismatch', `a mask of ${w} × ${h} at ${left}, ${top} in ${width} × ${height}`)
  if (!runs.every((run) => Number.isSafeInteger(run) && run >= 0) || sum > w * h || w * h > 100_000_000)
    return lose('annotation-invalid', `the runs of a mask of ${w} × ${h}`)
  const pixels = new Uint8Array(w * h)
  let position = 0
  for (const [index, run] of runs.entries()) {
    if (index % 2 === 1) pixels.fill(1, position, position + run)
    position += run
  }
  const rle = runsOfBox(box, { width, height }, (at) => pixels[at] === 1)
  if (rle === undefined || rle.counts.length < 2) return lose('annotation-too-small', 'a mask without a pixel')
  return { kind: 'mask', rle, bbox: [left, top, w, h] }
}

function readSkeleton(
  shape: XmlElement,
  { classes }: CvatContext,
  label: string,
  lose: (reason: LossReason, what: string) => undefined,
): Geometry | undefined {
  const names = classes.get(label)?.keypoints ?? []
  const keypoints = new Array<number>(names.length * 3).fill(0)
  for (const point of shape.children) {
    if (point.name !== 'points') continue
    const at = names.indexOf(point.attributes.get('label') ?? '')
    const [x = Number.NaN, y = Number.NaN] = readPoints(point.attributes.get('points') ?? '')
    if (at === -1) lose('keypoints-dropped', `${JSON.stringify(point.attributes.get('label'))} of ${label}`)
    else if (point.attributes.get('outside') !== '1')
      keypoints.splice(at * 3, 3, x, y, point.attributes.get('occluded') === '1' ? 1 : 2)
  }
  return names.length === 0
    ? lose('annotation-kind-not-supported', `a skeleton of ${label}, whose points <meta> does not name`)
    : { kind: 'keypoints', keypoints }
}

function readAttributes(shape: XmlElement): Record<string, unknown> {
  const attributes: Record<string, unknown> = {}
  if (shape.attributes.get('occluded') === '1') attributes.occluded = true
  const order = toNumber(shape.attributes.get('z_order'))
  if (order !== 0 && Number.isFinite(order)) attributes.z_order = order
  for (const child of shape.children) {
    const name = child.attributes.get('name')
    if (child.name === 'attribute' && name && name !== '__proto__') attributes[name] = toScalar(child.text)
  }
  return attributes
}

function toScalar(text: string): string | boolean {
  return text === 'true' ? true : text === 'false' ? false : text
}
