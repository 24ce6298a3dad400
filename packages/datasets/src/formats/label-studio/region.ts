import { boxOfRings } from '../../geometry/box.ts'
import { rotateCorners } from '../../geometry/obb.ts'
import type { LossCounter, LossReason } from '../../report/loss-counter.ts'
import { asArray, asText, member, toNumber, toSide } from '../named/loose.ts'
import type { NamedObject } from '../named/named-image.ts'
import { ellipseRing, runsOfBox } from '../named/outlines.ts'
import { decodeBrush } from './brush.ts'

type Geometry = Omit<NamedObject, 'label'>
type Lose = (reason: LossReason, what: string) => undefined

/** The objects of the regions of a task. A region without a label belongs to another control, such as a text. */
export function toLabelStudioObjects(regions: readonly unknown[], from: string, losses: LossCounter): NamedObject[] {
  const lose: Lose = (reason, what) => void losses.add(reason, `${from}: ${what}`)
  return regions.flatMap((region): NamedObject[] => {
    const type = asText(member(region, 'type')) ?? ''
    const value = member(region, 'value')
    if (type === 'choices')
      return asArray(member(value, 'choices')).flatMap((choice) => {
        const label = asText(Array.isArray(choice) ? choice.at(-1) : choice)
        return label === undefined ? [] : [{ kind: 'class', label }]
      })
    const labels = asArray(member(value, type))
    const [label] = labels.map(asText)
    if (label === undefined) {
      lose('annotation-kind-not-supported', `a region of the type ${JSON.stringify(type)} without a label`)
      return []
    }
    if (labels.length > 1) lose('extra-label-dropped', `${labels.length} labels of one region; the first is read`)
    const geometry = toGeometry(type, region, value, lose)
    return geometry === undefined ? [] : [{ ...geometry, label }]
  })
}

function toGeometry(type: string, region: unknown, value: unknown, lose: Lose): Geometry | undefined {
  const width = toSide(member(region, 'original_width'))
  const height = toSide(member(region, 'original_height'))
  if (width === 0 || height === 0)
    return lose('image-size-unknown', `a region without original_width and original_height`)
  const x = (name: string) => (toNumber(member(value, name)) / 100) * width
  const y = (name: string) => (toNumber(member(value, name)) / 100) * height
  const degrees = toNumber(member(value, 'rotation')) || 0
  switch (type) {
    case 'rectanglelabels': {
      const bbox: [number, number, number, number] = [x('x'), y('y'), x('width'), y('height')]
      if (degrees % 360 === 0) return { kind: 'box', bbox }
      const box = { x: bbox[0], y: bbox[1], width: bbox[2], height: bbox[3] }
      return { kind: 'obb', obb: rotateCorners(box, (degrees * Math.PI) / 180, 'top-left') }
    }
    case 'polygonlabels': {
      const ring = asArray(member(value, 'points')).flatMap((point) => {
        const [px, py] = asArray(point).map(toNumber)
        return [((px ?? Number.NaN) / 100) * width, ((py ?? Number.NaN) / 100) * height]
      })
      return { kind: 'polygon', polygons: [ring], bbox: boxOfRings([ring]) }
    }
    case 'ellipselabels': {
      lose('polygon-from-circle', 'an ellipse')
      const ring = ellipseRing(x('x'), y('y'), x('radiusX'), y('radiusY'), degrees)
      return { kind: 'polygon', polygons: [ring], bbox: boxOfRings([ring]) }
    }
    case 'keypointlabels':
      return { kind: 'other', attributes: { shape: { type: 'point', points: [x('x'), y('y')] } } }
    case 'brushlabels':
      return readBrush(value, width, height, lose)
    default:
      return lose('annotation-kind-not-supported', `a region of the type ${JSON.stringify(type)}`)
  }
}

function readBrush(value: unknown, width: number, height: number, lose: Lose): Geometry | undefined {
  const pixels = decodeBrush(asArray(member(value, 'rle')).map(toNumber), width, height)
  if (pixels === undefined) return lose('mask-size-mismatch', `a brush that is not ${width} × ${height}`)
  const rle = runsOfBox({ left: 0, top: 0, width, height }, { width, height }, (at) => pixels[at] !== 0)
  if (rle === undefined || rle.counts.length < 2) return lose('annotation-too-small', 'a brush without a pixel')
  return { kind: 'mask', rle }
}
