import { formatBar } from '@trainyard/contract/format'
import type { Progress } from '../job.ts'

const BAR_WIDTH = 24

export interface ProgressLine {
  show(progress: Progress): void
  /** Ends the current bar, so that other text starts on a new line. */
  interrupt(): void
}

/** Displays progress: as a bar on a terminal, otherwise as a line for each epoch. */
export function createProgressLine(stream: { isTTY?: boolean; write(text: string): unknown }): ProgressLine {
  let isDrawn = false
  return {
    show(progress) {
      const { epoch, step, metrics } = progress
      if (epoch === undefined && step === undefined && metrics === undefined) return
      const text = formatProgress(progress)
      if (stream.isTTY !== true) {
        const isWithinEpoch = progress.step !== undefined && progress.metrics === undefined
        if (!isWithinEpoch) stream.write(`${text}\n`)
        return
      }
      const isDone = progress.epoch !== undefined && progress.epoch === progress.totalEpochs
      stream.write(`\r\u001b[2K${barOf(progress)}${text}${isDone ? '\n' : ''}`)
      isDrawn = !isDone
    },
    interrupt() {
      if (isDrawn) stream.write('\n')
      isDrawn = false
    },
  }
}

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

function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}

function barOf({ epoch, totalEpochs, step, totalSteps }: Progress): string {
  const [done, total] = totalSteps === undefined ? [epoch, totalEpochs] : [step, totalSteps]
  if (done === undefined || total === undefined || total <= 0) return ''
  return `[${formatBar(done / total, BAR_WIDTH)}] `
}
