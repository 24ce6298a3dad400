import { formatBar, formatBytes } from '@trainyard/contract/format'
import type { Output } from '../command-line/io.ts'
import { StatusLine } from './status-line.ts'
import { formatCount } from './text.ts'

const REDRAW_MS = 80

export interface Progress {
  update(done: number): void
  /** Removes the line from the terminal. */
  end(): void
}

interface ProgressOptions {
  status: StatusLine
  /** The line of a terminal. */
  render(done: number): string
  /** Elsewhere a line is printed after each of these steps. */
  step: number
  renderStep(step: number): string
  total?: number | undefined
}

/** One line that is redrawn on a terminal, a line per step elsewhere. */
function createProgress({ status, render, step, renderStep, total }: ProgressOptions): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY
  let printed = 0
  return {
    update(done) {
      if (status.isTerminal) {
        const now = performance.now()
        if (now - drawnAt < REDRAW_MS && (total === undefined || done < total)) return
        drawnAt = now
        status.draw(render(done))
        return
      }
      const reached = Math.floor(done / step)
      if (reached <= printed) return
      printed = reached
      status.print(renderStep(reached))
    },
    end: () => status.clear(),
  }
}

const silent: Progress = { update() {}, end() {} }

/** Progress of a transfer: a bar on a terminal, a line per fifth elsewhere. */
export function createByteProgress(status: StatusLine, label: string, totalBytes: number): Progress {
  const width = Math.max(10, Math.min(40, status.columns - 40))
  const total = formatBytes(totalBytes)
  return createProgress({
    status,
    render(done) {
      const fraction = totalBytes === 0 ? 1 : Math.min(done / totalBytes, 1)
      const percent = Math.floor(fraction * 100)
      return `${label} [${formatBar(fraction, width)}] ${percent} %  ${formatBytes(done)} of ${total}`
    },
    step: Math.max(1, totalBytes / 5),
    renderStep: (step) => `${label}: ${step * 20} % of ${total}`,
    total: totalBytes,
  })
}

/** Progress of a transfer on an output, or none if `isSilent`. */
export function transferProgress(output: Output, label: string, totalBytes: number, isSilent: boolean): Progress {
  return isSilent ? silent : createByteProgress(new StatusLine(output), label, totalBytes)
}

/** Progress of work on images: their number on a terminal, a line per 5,000 elsewhere. */
export function imageProgress(output: Output, label: string, isSilent: boolean): Progress {
  if (isSilent) return silent
  const render = (images: number) => `${label}: ${formatCount(images)} images`
  return createProgress({
    status: new StatusLine(output),
    render,
    step: 5000,
    renderStep: (step) => render(step * 5000),
  })
}
