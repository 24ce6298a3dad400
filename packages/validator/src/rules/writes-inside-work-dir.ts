import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Paths named in the message. */
const SHOWN = 5

export const writesInsideWorkDir: ComplianceRule = {
  code: 'TY601',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY601'),
  help: 'Write below WORK_DIR (and downloads below DATASET_CACHE_DIR); the trainer’s folder is read-only in production.',
  check({ folderChanges }) {
    if (folderChanges.length === 0) return []
    const more = folderChanges.length > SHOWN ? ` and ${folderChanges.length - SHOWN} more` : ''
    const message = `the trainer changed its own folder: ${folderChanges.slice(0, SHOWN).join(', ')}${more}`
    return [{ message, subject: 'folder' }]
  },
}
