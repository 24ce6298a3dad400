import { formatDuration } from '@trainyard/contract/format'
import type { Terminal } from '../lib/terminal.ts'

/** Times of the stages, printed as they finish and once more at the end. */
export interface Stages {
  run<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>
  summary(): { title: string; durationMs: number }[]
}

export function createStages(terminal: Terminal, now: () => number = () => performance.now()): Stages {
  const done: { title: string; durationMs: number }[] = []
  return {
    async run(title, work) {
      const started = now()
      let note = ''
      terminal.status(`${terminal.style('dim', '…')} ${title}`)
      try {
        const result = await work((text) => {
          note = text
          terminal.status(`${terminal.style('dim', '…')} ${title}: ${text}`)
        })
        const durationMs = now() - started
        done.push({ title, durationMs })
        const tail = note === '' ? '' : `: ${note}`
        terminal.line(
          `${terminal.style('green', '✓')} ${title}${tail} ${terminal.style('dim', `(${formatDuration(durationMs)})`)}`,
        )
        return result
      } catch (error) {
        terminal.line(`${terminal.style('red', '✗')} ${title}`)
        throw error
      }
    },
    summary: () => [...done],
  }
}
