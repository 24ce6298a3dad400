import { type ComplianceRecord, nameRun } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** The number of paths that are named in the message. */
const SHOWN = 5
/** Error messages of Node, Python, shells and the C library, with the path before or after the text. */
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
  help: 'Write below WORK_DIR. In production the trainer’s folder and the shared dataset cache are read-only.',
  check(record) {
    return [...findChanges(record), ...findStrayFiles(record), ...findRefusedWrites(record)]
  },
}

function findChanges({ folderChanges }: ComplianceRecord): RuleFinding[] {
  if (folderChanges.length === 0) return []
  return [{ message: `the trainer changed its own folder: ${firstOf(folderChanges)}`, subject: 'folder' }]
}

function findStrayFiles({ strayFiles }: ComplianceRecord): RuleFinding[] {
  if (strayFiles.length === 0) return []
  const message = `the trainer left files outside of its work folder: ${firstOf(strayFiles)}`
  return [{ message, subject: 'stray' }]
}

/** Writes that the sandbox refused, as far as the output or the error of the trainer mentions them. */
function findRefusedWrites({ operations }: ComplianceRecord): RuleFinding[] {
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
  const message = `the trainer tried to write outside its work folder (${[...runs].join(', ')}): ${firstOf([...paths])}`
  return [{ message, subject: 'elsewhere' }]
}

function firstOf(all: readonly string[]): string {
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''
  return `${all.slice(0, SHOWN).join(', ')}${more}`
}
