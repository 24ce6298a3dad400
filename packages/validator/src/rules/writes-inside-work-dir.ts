import { type ComplianceRecord, nameRun } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** Paths named in the message. */
const SHOWN = 5
/** As Node, Python, shells and the C library say it: the path before or behind. */
const READ_ONLY = [
  /EROFS: read-only file system, \w+ '([^']+)'/i,
  /Read-only file system: '([^']+)'/i,
  /(?:^|[\s:'"‘])(\/[^\s:'"’]+)['"’]?: Read-only file system/i,
]

export const writesInsideWorkDir: ComplianceRule = {
  code: 'TY601',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY601'),
  help: 'Write below WORK_DIR; the trainer’s folder and the shared dataset cache are read-only in production.',
  check(record) {
    return [...ofFolder(record), ...ofElsewhere(record)]
  },
}

function ofFolder({ folderChanges }: ComplianceRecord): RuleFinding[] {
  if (folderChanges.length === 0) return []
  return [{ message: `the trainer changed its own folder: ${some(folderChanges)}`, subject: 'folder' }]
}

/** What the sandbox refused, as far as the trainer or its runtime complains of it. */
function ofElsewhere({ operations }: ComplianceRecord): RuleFinding[] {
  const runs = new Set<string>()
  const paths = new Set<string>()
  for (const run of operations) {
    for (const line of [...run.output, run.job.error?.message ?? '']) {
      const path = READ_ONLY.map((pattern) => pattern.exec(line)?.[1]).find((found) => found !== undefined)
      if (path === undefined) continue
      paths.add(path.slice(0, 200))
      runs.add(nameRun(run))
    }
  }
  if (paths.size === 0) return []
  const message = `the trainer tried to write where it must not (${[...runs].join(', ')}): ${some([...paths])}`
  return [{ message, subject: 'elsewhere' }]
}

function some(all: readonly string[]): string {
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''
  return `${all.slice(0, SHOWN).join(', ')}${more}`
}
