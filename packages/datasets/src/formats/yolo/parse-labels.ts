import type { TaskType } from '@trainyard/contract'
import { boxOfPoints, withoutNoise } from '../../geometry/box.ts'
import { rectify } from '../../geometry/obb.ts'
import type { Annotation } from '../../record/record.ts'
import type { LossCounter, LossReason } from '../../report/loss-counter.ts'

export interface LabelFormat {
  task: TaskType
  classCount: number
  /** For pose. */
  keypointShape: readonly [count: number, dimensions: number]
}

/** The bounds that the loader checks, as shares of the image. */
const MIN_SHARE = -0.01
const MAX_SHARE = 1.01

/**
 * Reads a label file as the loader does. Undefined when the loader would skip the whole image, which is counted with the
 * row that causes it; rows that the loader drops are counted too.
 */
export function parseLabels(
  text: string,
  file: string,
  width: number,
  height: number,
  { task, classCount, keypointShape }: LabelFormat,
  losses: LossCounter,
): Annotation[] | undefined {
  const rows = splitRows(text)
  const [keypointCount, dimensions] = keypointShape
  const isPose = task === 'pose'
  const isOutlined = !isPose && rows.some(({ tokens }) => tokens.length > 6)
  const annotations: Annotation[] = []
  const seen = new Set<string>()
  let mixed = 0
  for (const { tokens, line } of rows) {
    const refuse = (what: string) => losses.add('label-file-invalid', `${file}:${line}: ${what}`)
    const lose = (reason: LossReason, what: string) => losses.add(reason, `${file}:${line}: ${what}`)
    const values = tokens.map(toNumber)
    if (values.some((value) => value === undefined)) {
      refuse(`${JSON.stringify(tokens.find((token) => toNumber(token) === undefined))} is not a number`)
      return undefined
    }
    const [classId = -1, ...shares] = values as number[]
    if (!Number.isInteger(classId) || classId < 0 || classId >= classCount) {
      refuse(`class ${tokens[0]}; expected 0 to ${classCount - 1}`)
      return undefined
    }
    const isBox = !isPose && isOutlined && shares.length === 4
    const expected = isPose ? 4 + keypointCount * dimensions : 4
    if (isPose || !isOutlined ? shares.length !== expected : !isBox && (shares.length < 6 || shares.length % 2 !== 0)) {
      refuse(
        `${tokens.length} columns; expected ${isOutlined ? 'a class and at least three pairs of coordinates' : expected + 1}`,
      )
      return undefined
    }
    const outside = findOutside(isOutlined && !isBox ? boxShares(shares) : shares, isPose ? dimensions : 0)
    if (outside !== undefined) {
      refuse(`coordinate ${outside}; expected 0 to 1`)
      return undefined
    }
    const key = values.join(' ')
    if (seen.has(key)) {
      lose('annotation-duplicate', tokens.slice(0, 9).join(' '))
      continue
    }
    seen.add(key)
    if (isBox) mixed++
    const pixels = (index: number, side: number) => toPixels(shares[index] ?? 0, tokens[index + 1] ?? '', side)
    const annotation =
      isOutlined && !isBox
        ? toOutline(
            classId,
            shares.map((_, index) => pixels(index, index % 2 === 0 ? width : height)),
            task,
          )
        : toBox(classId, shares, { pixels, width, height, dimensions: isPose ? dimensions : 0 })
    if (annotation === undefined) lose('annotation-invalid', tokens.slice(0, 9).join(' '))
    else annotations.push(annotation)
  }
  // The loader reads such a row as an outline of two points and gets a wrong box.
  if (mixed > 0) losses.add('label-rows-mixed', `${file}: boxes among outlines`, mixed)
  return annotations
}

/** The rows with their line numbers, without blank lines. */
export function splitRows(text: string): { tokens: string[]; line: number }[] {
  const rows: { tokens: string[]; line: number }[] = []
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const trimmed = line.trim()
    if (trimmed !== '') rows.push({ tokens: trimmed.split(/\s+/), line: index + 1 })
  }
  return rows
}

/** What Python's float() accepts, except infinities. NaN passes the bounds of the loader: it spoils a row, not the file. */
function toNumber(token: string): number | undefined {
  if (/^[+-]?nan$/i.test(token)) return Number.NaN
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(token) ? Number(token) : undefined
}

/**
 * The first coordinate outside of the bounds. For a pose the loader checks the keypoints alone, neither the box nor the
 * visibilities; with two values for each keypoint, a negative one hides the keypoint.
 */
function findOutside(shares: readonly number[], dimensions: number): number | undefined {
  const isPose = dimensions > 0
  for (let index = isPose ? 4 : 0; index < shares.length; index++) {
    const share = shares[index] as number
    if (dimensions === 3 && (index - 4) % 3 === 2) continue
    if (share > MAX_SHARE || (share < MIN_SHARE && dimensions !== 2)) return share
  }
  return undefined
}

/** For an outline the loader checks the centre and sides of its box, so a corner can lie farther out. */
function boxShares(shares: readonly number[]): number[] {
  const [x, y, width, height] = boxOfPoints(shares) ?? [0, 0, 0, 0]
  return [x + width / 2, y + height / 2, width, height]
}

/** Of a share. Tools write six and leave out zeros at the end; those of a double leave nothing open. */
const MIN_DECIMALS = 6
const MAX_DECIMALS = 12

/**
 * A share of a side in pixels, with as few decimals as its digits justify: 0.051563 of 640 pixels is 33, not 33.00032. As a
 * share with as many digits, it is the same text again.
 */
function toPixels(share: number, token: string, side: number): number {
  const exact = share * side
  const point = token.indexOf('.')
  const decimals = Math.max(MIN_DECIMALS, token.length - point - 1)
  if (point === -1 || decimals > MAX_DECIMALS || /e/i.test(token)) return exact
  const scale = 10 ** decimals
  const written = Math.round(share * scale)
  for (let precision = 1; precision <= 1e6; precision *= 10) {
    const rounded = Math.round(exact * precision) / precision
    if (Math.round((rounded / side) * scale) === written) return rounded
  }
  return exact
}

function toOutline(classId: number, ring: number[], task: TaskType): Annotation | undefined {
  if (task === 'obb') {
    const corners = ring.length === 8 ? rectify(ring)?.corners : undefined
    if (corners !== undefined) return { kind: 'obb', classId, obb: corners }
  }
  const bbox = boxOfPoints(ring)
  if (!ring.every(Number.isFinite) || bbox === undefined || bbox[2] <= 0 || bbox[3] <= 0) return undefined
  return { kind: 'polygon', classId, bbox, polygons: [ring] }
}

interface BoxContext {
  /** The value of a column in pixels of a side. */
  pixels: (index: number, side: number) => number
  width: number
  height: number
  dimensions: number
}

function toBox(classId: number, shares: readonly number[], context: BoxContext): Annotation | undefined {
  const { pixels, width, height, dimensions } = context
  const [x = 0, y = 0, widthShare = 0, heightShare = 0] = shares
  if (![x, y, widthShare, heightShare].every(Number.isFinite) || widthShare <= 0 || heightShare <= 0) return undefined
  const [boxWidth, boxHeight] = [pixels(2, width), pixels(3, height)]
  const bbox: Annotation['bbox'] = [
    withoutNoise(pixels(0, width) - boxWidth / 2),
    withoutNoise(pixels(1, height) - boxHeight / 2),
    boxWidth,
    boxHeight,
  ]
  if (dimensions === 0) return { kind: 'box', classId, bbox }
  const keypoints: number[] = []
  for (let index = 4; index < shares.length; index += dimensions) {
    const pointX = shares[index] ?? 0
    const pointY = shares[index + 1] ?? 0
    const visibility = dimensions === 3 ? (shares[index + 2] ?? 0) : pointX < 0 || pointY < 0 ? 0 : 2
    if (visibility > 0 && Number.isFinite(pointX) && Number.isFinite(pointY)) {
      keypoints.push(pixels(index, width), pixels(index + 1, height), visibility >= 2 ? 2 : 1)
    } else keypoints.push(0, 0, 0)
  }
  return { kind: 'keypoints', classId, bbox, keypoints }
}
