import { type Box, clipBox, isValidBox } from '../../geometry/box.ts'
import { findBox } from '../../record/find-box.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import type { ReportBuilder } from '../../report/report.ts'
import type { WriteOptions } from '../../writing/dataset-writer.ts'
import { LabelBuffer } from './label-buffer.ts'

/** A move by less than this is a rounding error of the tool that wrote the numbers. */
export const ROUNDING_ERROR = 1e-6

/** The label file of one image while it is written, and what its annotations lose. One instance serves all images. */
export class LabelFile {
  readonly options: WriteOptions
  readonly buffer: LabelBuffer
  /** Sides of the image in pixels. */
  width = 0
  height = 0
  /** The class of each row. */
  classIds: number[] = []
  readonly #report: ReportBuilder
  #path = ''

  constructor(options: WriteOptions, report: ReportBuilder) {
    this.options = options
    this.buffer = new LabelBuffer(options.decimals)
    this.#report = report
  }

  start({ path }: ImageRecord, width: number, height: number): void {
    this.#path = path
    this.width = width
    this.height = height
    this.classIds = []
    this.buffer.clear()
  }

  /** Path of the image, for messages. */
  get path(): string {
    return this.#path
  }

  lose(reason: LossReason, count = 1): void {
    this.#report.lose(reason, this.#path, count)
  }

  /** Counts a loss with the value that was lost. */
  loseValue(reason: LossReason, value: unknown): void {
    this.#report.lose(reason, () => `${this.#path}: ${JSON.stringify(value)}`)
  }

  /** Ends a row; an identical row is dropped and counted. */
  endRow(classId: number): void {
    if (this.buffer.endRow()) this.classIds.push(classId)
    else this.lose('annotation-duplicate')
  }

  addBox([x, y, boxWidth, boxHeight]: Box): void {
    this.buffer.addShare((x + boxWidth / 2) / this.width)
    this.buffer.addShare((y + boxHeight / 2) / this.height)
    this.buffer.addShare(boxWidth / this.width)
    this.buffer.addShare(boxHeight / this.height)
  }

  addRing(ring: readonly number[]): void {
    const { buffer, width, height } = this
    for (let index = 0; index < ring.length; index += 2) {
      buffer.addShare((ring[index] as number) / width)
      buffer.addShare((ring[index + 1] as number) / height)
    }
  }

  /** The box of an annotation inside the image. Undefined, and counted, when it cannot be written. */
  usableBox(annotation: Annotation): Box | undefined {
    const { buffer, width, height } = this
    const box = boxOf(annotation)
    if (box === undefined) return this.#drop('annotation-kind-not-supported', annotation.kind)
    if (!isValidBox(box)) return this.#drop('annotation-invalid', box)
    const clipped = clipBox(box, width, height)
    if (clipped === undefined) return this.#drop('annotation-outside-image', box)
    const [x, y, boxWidth, boxHeight] = clipped
    const isTooSmall = boxWidth * boxHeight < this.options.minAreaPx
    if (isTooSmall || buffer.isZero(boxWidth / width) || buffer.isZero(boxHeight / height))
      return this.#drop('annotation-too-small', box)
    if (annotation.bbox !== box) this.lose('box-derived')
    if (clipped !== box) {
      const moved =
        Math.abs(x - box[0]) + Math.abs(y - box[1]) + Math.abs(boxWidth - box[2]) + Math.abs(boxHeight - box[3])
      if (moved > ROUNDING_ERROR) this.loseValue('box-clipped', box)
    }
    return clipped
  }

  #drop(reason: LossReason, value: unknown): undefined {
    this.loseValue(reason, value)
    return undefined
  }
}

/** The annotation's own box. Where it is invalid (many files write `[0, 0, 0, 0]` for unknown) the box of its geometry. */
function boxOf(annotation: Annotation): Box | undefined {
  const box = findBox(annotation)
  if (box === undefined || box !== annotation.bbox || isValidBox(box)) return box
  return findBox({ ...annotation, bbox: undefined }) ?? box
}
