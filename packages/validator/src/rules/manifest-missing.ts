import { MANIFEST_FILE_NAME } from '@trainyard/contract'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const manifestMissing: FolderRule = {
  code: 'TY101',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY101'),
  help: `Put ${MANIFEST_FILE_NAME} directly into the trainer's folder.`,
  check({ manifest, specialEntries, files }) {
    if (manifest.state !== 'missing') return []
    const elsewhere = files.find(({ path }) => path.endsWith(`/${MANIFEST_FILE_NAME}`))?.path
    const special = specialEntries.find(({ path }) => path === MANIFEST_FILE_NAME)
    const seen = special
      ? `; ${MANIFEST_FILE_NAME} is a ${special.kind}, expected a regular file`
      : elsewhere
        ? `; found ${elsewhere}`
        : ' or in its subfolders'
    return [{ message: `there is no ${MANIFEST_FILE_NAME} in the trainer's folder${seen}`, subject: 'missing' }]
  },
}
