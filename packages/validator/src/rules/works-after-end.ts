import { isTerminalEventType } from '@trainyard/contract'
import { nameRun, type OperationRecord } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** The end of an interpreter with large libraries takes a part of a second. */
const MAX_CPU_MS = 2000

export const worksAfterEnd: ComplianceRule = {
  code: 'TY418',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY418'),
  help: 'Send the terminal event when all work is done and everything is uploaded, and then exit.',
  check({ operations }) {
    return operations
      .filter(({ purpose, job, end }) => purpose !== 'cancel' && job.state === 'succeeded' && end?.stopped !== true)
      .flatMap((run) => {
        const work = findWork(run)
        return work === undefined
          ? []
          : [{ message: `${nameRun(run)}: after its terminal event, ${work}`, subject: nameRun(run) }]
      })
  },
}

function findWork({ events, requests, processes: { moments } }: OperationRecord): string | undefined {
  const terminal = events.find(({ type }) => isTerminalEventType(type))
  if (terminal === undefined) return undefined
  const endedAt = Date.parse(terminal.receivedAt)
  // Events that follow are a matter of TY401. An empty batch asks whether to go on.
  const late = requests.find(({ from, summary }) => from > endedAt && !summary.endsWith('/events'))
  if (late !== undefined) return `the trainer requested ${late.summary}`
  // On a busy machine the moment before can be seconds earlier, in the middle of the work that the event ends.
  const before = moments.find(({ at }) => at >= endedAt)
  const after = moments.at(-1)
  const cpuMs = (after?.cpuMs ?? 0) - (before?.cpuMs ?? after?.cpuMs ?? 0)
  return cpuMs > MAX_CPU_MS ? `the trainer used ${(cpuMs / 1000).toFixed(1)} s of processor time` : undefined
}
