import { formatBytes } from '@trainyard/contract/format'
import type { CliIo } from './command.ts'
import { drawBar } from './terminal.ts'

export interface ProgressLine {
  update(doneBytes: number): void
  end(): void
}

/** Bytes on their way: a bar that is drawn over and over on a terminal, a line each fifth elsewhere. */
export function createProgressLine(io: CliIo, what: string, totalBytes: number, isSilent: boolean): ProgressLine {
  if (isSilent) return { update() {}, end() {} }
  const isTerminal = io.stderr.isTTY === true
  let drawnAt = 0
  let told = 0
  return {
    update(doneBytes) {
      if (isTerminal) {
        const now = performance.now()
        if (now - drawnAt < 80 && doneBytes < totalBytes) return
        drawnAt = now
        io.stderr.write(`\r\u001b[2K${what} ${drawBar(doneBytes, totalBytes, io.stderr.columns)}`)
        return
      }
      const fifth = totalBytes === 0 ? 5 : Math.floor((doneBytes / totalBytes) * 5)
      if (fifth <= told) return
      told = fifth
      io.stderr.write(`${what}: ${fifth * 20} % of ${formatBytes(totalBytes)}\n`)
    },
    end() {
      if (drawnAt > 0) io.stderr.write('\r\u001b[2K')
      drawnAt = 0
    },
  }
}
