import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** A language's own threads, such as those that collect garbage, are busy for moments. */
const SPARE_THREADS = 2
/** Fewer samples can be chance. */
const MIN_SAMPLES = 6
const MIN_SHARE = 0.1

export const cpuDeclared: ComplianceRule = {
  code: 'TY417',
  severity: 'warning',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY417'),
  help: 'Declare the number of processors in "resources.cpu", or limit the threads of the libraries, for example with OMP_NUM_THREADS.',
  check({ operations, manifest }) {
    const { cpu } = manifest.resources
    if (cpu === undefined) return []
    const limit = Math.ceil(cpu) + SPARE_THREADS
    return operations.flatMap((run) => {
      const { moments } = run.processes
      const above = moments.map(({ busyThreads }) => busyThreads).filter((busy) => busy > limit)
      if (above.length < Math.max(MIN_SAMPLES, moments.length * MIN_SHARE)) return []
      const typical = above.toSorted((a, b) => a - b)[Math.floor(above.length / 2)]
      const message = `${nameRun(run)}: about ${typical} threads were busy at a time, but "resources.cpu" is ${cpu}`
      return [{ message, subject: nameRun(run) }]
    })
  },
}
