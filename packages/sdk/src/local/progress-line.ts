import { formatBar } from '@trainyard/contract/format'
import type { Progress } from '../job.ts'

const BAR_WIDTH = 24
/** How often a terminal is redrawn. */
const REDRAW_MS = 50
/** Elsewhere steps within an epoch are printed after this time, or after a tenth of the steps. */
const LINE_MS = 10_000
const LINE_SHARE = 0.1

export interface ProgressLine {
  show(progress: Progress): void
  /** Ends the current bar, so that other text starts on a new line. */
  interrupt(): void
}

interface ProgressOutput {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

/** Displays progress: as a bar on a terminal, otherwise as a line for each epoch, and now and then for steps. */
export function createProgressLine(stream: ProgressOutput, now: () => number = () => performance.now()): ProgressLine {
  return stream.isTTY === true ? new Bar(stream, now) : new Lines(stream, now)
}

class Lines implements ProgressLine {
  readonly #stream: ProgressOutput
  readonly #now: () => number
  #epoch: number | undefined
  #printedAt = Number.NEGATIVE_INFINITY
  #printedShare = 0

  constructor(stream: ProgressOutput, now: () => number) {
    this.#stream = stream
    this.#now = now
  }

  show(progress: Progress): void {
    if (isEmpty(progress) || !this.#isDue(progress)) return
    this.#printedAt = this.#now()
    this.#stream.write(`${formatProgress(progress)}\n`)
  }

  #isDue({ epoch, step, totalSteps, metrics }: Progress): boolean {
    if (epoch !== undefined && epoch !== this.#epoch && (step === undefined || metrics !== undefined)) {
      this.#epoch = epoch
      this.#printedShare = 0
      return true
    }
    if (step === undefined) return true
    const share = totalSteps === undefined || totalSteps <= 0 ? 0 : step / totalSteps
    const isLast = share >= 1 && this.#printedShare < 1
    const isDue = isLast || share - this.#printedShare >= LINE_SHARE || this.#now() - this.#printedAt >= LINE_MS
    // Steps that are counted again in each epoch.
    if (isDue || share < this.#printedShare) this.#printedShare = share
    return isDue
  }

  interrupt(): void {}
}

class Bar implements ProgressLine {
  readonly #stream: ProgressOutput
  readonly #now: () => number
  #isDrawn = false
  #drawnAt = Number.NEGATIVE_INFINITY

  constructor(stream: ProgressOutput, now: () => number) {
    this.#stream = stream
    this.#now = now
  }

  show(progress: Progress): void {
    if (isEmpty(progress)) return
    const { epoch, totalEpochs, step, metrics } = progress
    const isDone = epoch !== undefined && epoch === totalEpochs
    const isStep = step !== undefined && !isDone && metrics === undefined
    if (isStep && this.#now() - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = this.#now()
    // A line that wraps could not be replaced.
    const text = `${barOf(progress)}${formatProgress(progress)}`.slice(0, (this.#stream.columns ?? 80) - 1)
    this.#stream.write(`\r\u001b[2K${text}${isDone ? '\n' : ''}`)
    this.#isDrawn = !isDone
  }

  interrupt(): void {
    if (this.#isDrawn) this.#stream.write('\n')
    this.#isDrawn = false
  }
}

const isEmpty = ({ epoch, step, metrics }: Progress): boolean =>
  epoch === undefined && step === undefined && metrics === undefined

/** `epoch 2/3  loss 0.412  top1_accuracy 0.91` */
function formatProgress({ phase, epoch, totalEpochs, step, totalSteps, metrics = {} }: Progress): string {
  const parts = [
    phase,
    epoch === undefined ? undefined : `epoch ${epoch}${totalEpochs === undefined ? '' : `/${totalEpochs}`}`,
    step === undefined ? undefined : `step ${step}${totalSteps === undefined ? '' : `/${totalSteps}`}`,
    ...Object.entries(metrics).map(([name, value]) => `${name} ${formatNumber(value)}`),
  ]
  return parts.filter((part) => part !== undefined).join('  ')
}

export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}

function barOf({ epoch, totalEpochs, step, totalSteps }: Progress): string {
  const [done, total] = totalSteps === undefined ? [epoch, totalEpochs] : [step, totalSteps]
  if (done === undefined || total === undefined || total <= 0) return ''
  return `[${formatBar(done / total, BAR_WIDTH)}] `
}
