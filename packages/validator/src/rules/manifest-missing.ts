import { MANIFEST_FILE_NAME } from '@trainyard/contract'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const manifestMissing: FolderRule = {
  code: 'TY101',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY101'),
  help: `Put a ${MANIFEST_FILE_NAME} at the root of the trainer's folder.`,
  check({ manifest, oddities, files }) {
    if (manifest.state !== 'missing') return []
    const elsewhere = files.find(({ path }) => path.endsWith(`/${MANIFEST_FILE_NAME}`))?.path
    const odd = oddities.find(({ path }) => path === MANIFEST_FILE_NAME)
    const seen = odd
      ? `there is a ${odd.kind} of that name, which is not followed`
      : elsewhere
        ? `there is one at ${elsewhere}`
        : 'there is none in any folder below either'
    return [{ message: `no ${MANIFEST_FILE_NAME} at the root of the folder; ${seen}`, subject: 'missing' }]
  },
}
