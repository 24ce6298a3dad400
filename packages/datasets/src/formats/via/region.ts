import { boxOfRings } from '../../geometry/box.ts'
import type { LossCounter, LossReason } from '../../report/loss-counter.ts'
import { asArray, asText, member, toNumber } from '../named/loose.ts'
import type { NamedObject } from '../named/named-image.ts'
import { ellipseRing } from '../named/outlines.ts'

/** Names that people give to the attribute that holds the class, the most usual first. */
const CLASS_NAMES = ['class', 'label', 'name', 'category', 'type', 'object', 'class_name', 'classname']
/** Attributes that VIA's own examples have, and that are not a class. */
const NOT_CLASSES = /^(caption|public_domain|image_url|image_quality|description|comment|id|score)$/i

/** The attribute that holds the class: the one with a usual name, otherwise the first. Undefined when there is none. */
export function chooseLabel(attributes: readonly unknown[]): string | undefined {
  const keys = new Set<string>()
  for (const item of attributes)
    for (const [key, value] of Object.entries(item ?? {})) if (labelsOf(value).length > 0) keys.add(key)
  const usual = CLASS_NAMES.map((name) => [...keys].find((key) => key.toLowerCase() === name))
  return usual.find((key) => key !== undefined) ?? [...keys].find((key) => !NOT_CLASSES.test(key))
}

/** The text of an attribute, or the options that are checked. */
export function labelsOf(value: unknown): string[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, isSet]) => (isSet === true || isSet === 'true' ? [name] : []))
  const text = asText(value)?.trim()
  return text ? [text] : []
}

/** The object of a region. Undefined, and counted, when it cannot be used. */
export function toViaObject(
  { shape, attributes }: { shape: unknown; attributes: unknown },
  key: string | undefined,
  from: string,
  losses: LossCounter,
): NamedObject | undefined {
  const lose = (reason: LossReason, what: string): undefined => void losses.add(reason, `${from}: ${what}`)
  const geometry = toGeometry(shape, lose)
  if (geometry === undefined) return undefined
  const [label, ...others] = key === undefined ? ['object'] : labelsOf(member(attributes, key))
  if (label === undefined) return lose('annotation-of-unknown-class', `a region without ${JSON.stringify(key)}`)
  if (key === undefined) lose('class-name-invented', '"object", because regions have no attributes')
  if (others.length > 0) lose('extra-label-dropped', others.join(', '))
  const rest = Object.entries(attributes ?? {}).filter(([name]) => name !== key && name !== '__proto__')
  const merged = { ...Object.fromEntries(rest), ...geometry.attributes }
  return { ...geometry, label, attributes: Object.keys(merged).length === 0 ? undefined : merged }
}

function toGeometry(
  shape: unknown,
  lose: (reason: LossReason, what: string) => undefined,
): Omit<NamedObject, 'label'> | undefined {
  const number = (name: string) => toNumber(member(shape, name))
  const points = () => {
    const [xs, ys] = [asArray(member(shape, 'all_points_x')), asArray(member(shape, 'all_points_y'))]
    return xs.flatMap((x, index) => [toNumber(x), toNumber(ys[index])])
  }
  const type = asText(member(shape, 'name'))
  switch (type) {
    case 'rect':
      return { kind: 'box', bbox: [number('x'), number('y'), number('width'), number('height')] }
    case 'polygon': {
      const ring = withoutEnd(points())
      return { kind: 'polygon', polygons: [ring], bbox: boxOfRings([ring]) }
    }
    case 'circle':
    case 'ellipse': {
      const [rx, ry] = type === 'circle' ? [number('r'), number('r')] : [number('rx'), number('ry')]
      // `theta` is in radians, clockwise.
      const degrees = ((number('theta') || 0) * 180) / Math.PI
      lose('polygon-from-circle', type)
      const ring = ellipseRing(number('cx'), number('cy'), rx, ry, degrees)
      return { kind: 'polygon', polygons: [ring], bbox: boxOfRings([ring]) }
    }
    case 'polyline':
      return { kind: 'other', attributes: { shape: { type: 'linestrip', points: points() } } }
    case 'point':
      return { kind: 'other', attributes: { shape: { type: 'point', points: [number('cx'), number('cy')] } } }
    default:
      return lose('annotation-kind-not-supported', `the shape ${JSON.stringify(type)}`)
  }
}

/** Version 1 repeats the first point at the end. */
function withoutEnd(ring: number[]): number[] {
  const isClosed = ring.length > 6 && ring[0] === ring.at(-2) && ring[1] === ring.at(-1)
  return isClosed ? ring.slice(0, -2) : ring
}
