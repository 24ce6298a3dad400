import { withoutNoise } from '../../geometry/box.ts'
import { rotateCorners } from '../../geometry/obb.ts'
import type { Annotation } from '../../record/record.ts'
import { formatNumber, roundTo } from '../../writing/format-number.ts'
import { childText, findChild, type XmlElement } from '../../xml/parse-xml.ts'
import type { XmlNode } from '../../xml/write-xml.ts'

/** Members of the devkit that are 0 or 1. */
const FLAGS = ['truncated', 'occluded', 'difficult'] as const

/** Reads one `<object>`. Undefined when it has no valid box. Nested `<part>` boxes are parts of it, not objects. */
export function toVocAnnotation(object: XmlElement, classId: number, oneBased: boolean): Annotation | undefined {
  const rotated = findChild(object, 'robndbox')
  const obb = rotated === undefined ? undefined : readRotatedBox(rotated)
  if (rotated !== undefined && obb === undefined) return undefined
  const polygon = readPolygon(findChild(object, 'polygon'))
  const bbox = readBox(findChild(object, 'bndbox'), oneBased)
  if (bbox === undefined && obb === undefined && polygon === undefined) return undefined
  const { isCrowd, attributes } = readAttributes(object)
  return {
    kind: obb !== undefined ? 'obb' : polygon !== undefined ? 'polygon' : 'box',
    classId,
    bbox,
    obb,
    polygons: polygon && [polygon],
    isCrowd: isCrowd || undefined,
    attributes: Object.keys(attributes).length === 0 ? undefined : attributes,
  }
}

function readBox(box: XmlElement | undefined, oneBased: boolean): Annotation['bbox'] {
  const sides = ['xmin', 'ymin', 'xmax', 'ymax'].map((name) => readNumber(childText(box, name)))
  const [x1 = NaN, y1 = NaN, x2 = NaN, y2 = NaN] = sides
  // Some tools write the corners in the order in which they were drawn. From 1 on, the far corner of a thin box comes first.
  const isTurned = !oneBased && (x2 < x1 || y2 < y1)
  const [left, top] = isTurned ? [Math.min(x1, x2), Math.min(y1, y2)] : [x1, y1]
  const [right, bottom] = isTurned ? [Math.max(x1, x2), Math.max(y1, y2)] : [x2, y2]
  // The devkit counts pixels from 1, and the last pixel belongs to the object.
  const shift = oneBased ? 1 : 0
  const [width, height] = [right - left + shift, bottom - top + shift]
  return width > 0 && height > 0 ? [left - shift, top - shift, withoutNoise(width), withoutNoise(height)] : undefined
}

/** The rotated box of roLabelImg: centre, size, and an angle in radians, clockwise about the centre. */
function readRotatedBox(box: XmlElement): number[] | undefined {
  const [cx = NaN, cy = NaN, width = NaN, height = NaN, angle = NaN] = ['cx', 'cy', 'w', 'h', 'angle'].map((name) =>
    readNumber(childText(box, name)),
  )
  if (!(width > 0 && height > 0 && Number.isFinite(cx + cy + angle))) return undefined
  return rotateCorners({ x: cx, y: cy, width, height }, angle)
}

/** Reads `<x1>`, `<y1>`, `<x2>` …, as Roboflow writes them. */
function readPolygon(polygon: XmlElement | undefined): number[] | undefined {
  if (polygon === undefined) return undefined
  const ring: number[] = []
  for (let index = 1; ; index++) {
    const x = childText(polygon, `x${index}`)
    const y = childText(polygon, `y${index}`)
    if (x === undefined || y === undefined) break
    ring.push(readNumber(x), readNumber(y))
  }
  return ring.length >= 6 && ring.every(Number.isFinite) ? ring : undefined
}

function readNumber(text: string | undefined): number {
  return text === undefined || text === '' ? NaN : Number(text)
}

function readAttributes(object: XmlElement): { isCrowd: boolean; attributes: Record<string, unknown> } {
  const attributes: Record<string, unknown> = {}
  const pose = childText(object, 'pose')
  if (pose && pose !== 'Unspecified') attributes.pose = pose
  for (const name of FLAGS) if (childText(object, name) === '1') attributes[name] = true
  let isCrowd = false
  for (const attribute of findChild(object, 'attributes')?.children ?? []) {
    const name = childText(attribute, 'name')
    const value = parseScalar(childText(attribute, 'value') ?? '')
    if (name === 'is_crowd') isCrowd = value === true
    else if (name && name !== '__proto__') attributes[name] = value
  }
  return { isCrowd, attributes }
}

/** The `<object>` for a box. `lost` names the attributes that it cannot hold. */
export function toVocObject(
  { attributes = {}, isCrowd }: Annotation,
  name: string,
  [x, y, width, height]: readonly [number, number, number, number],
  { oneBased, decimals }: { oneBased: boolean; decimals: number },
): { node: XmlNode; lost: string[] } {
  const number = (value: number) => formatNumber(value, decimals)
  const shift = oneBased ? 1 : 0
  const flag = (key: string) => (attributes[key] === true || attributes[key] === 1 ? 1 : 0)
  const others: XmlNode[] = []
  const lost: string[] = []
  for (const [key, value] of Object.entries(attributes)) {
    if (isDevkitField(key, value)) continue
    const text = formatScalar(key, value)
    if (text === undefined) lost.push(key)
    else others.push(toAttribute(key, text))
  }
  if (isCrowd) others.push(toAttribute('is_crowd', 'true'))
  // The far corner is computed from the rounded near corner, so that reading gives the size back.
  const [left, top] = [roundTo(x + shift, decimals), roundTo(y + shift, decimals)]
  const node: XmlNode = [
    'object',
    [
      ['name', name],
      ['pose', typeof attributes.pose === 'string' ? attributes.pose : 'Unspecified'],
      ...FLAGS.map((key): XmlNode => [key, flag(key)]),
      [
        'bndbox',
        [
          ['xmin', number(left)],
          ['ymin', number(top)],
          ['xmax', number(left + width - shift)],
          ['ymax', number(top + height - shift)],
        ],
      ],
      ...(others.length === 0 ? [] : [['attributes', others] satisfies XmlNode]),
    ],
  ]
  return { node, lost }
}

function toAttribute(name: string, value: string): XmlNode {
  return [
    'attribute',
    [
      ['name', name],
      ['value', value],
    ],
  ]
}

function isDevkitField(key: string, value: unknown): boolean {
  if (key === 'pose')
    return typeof value === 'string' && value !== '' && value !== 'Unspecified' && value === value.trim()
  return FLAGS.some((flag) => flag === key) && (value === true || value === false || value === 0 || value === 1)
}

/** The text that reads back as the same value. Undefined when no text does. */
function formatScalar(key: string, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
  const text = String(value)
  const isPlain =
    key === key.trim() && key !== '' && key !== 'is_crowd' && !/[\p{Cc}\ufffe\uffff]|\p{Surrogate}/u.test(text + key)
  return isPlain && text === text.trim() && parseScalar(text) === value ? text : undefined
}

function parseScalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  const number = Number(text)
  return text !== '' && Number.isFinite(number) && String(number) === text ? number : text
}
