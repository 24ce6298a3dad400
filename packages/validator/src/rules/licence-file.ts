import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const licenceFile: FolderRule = {
  code: 'TY202',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY202'),
  help: 'Put the full text of the licence into a file named LICENSE in the trainer’s folder.',
  check({ files, manifest }) {
    const found = files.find(({ path }) => /^(?:licen[cs]e|copying|unlicense)(?:[.-][\w.-]+)?$/i.test(path))
    if (found?.sizeBytes === 0) return [{ message: 'the licence file is empty', file: found.path }]
    if (found) return []
    const license = manifest.state === 'read' ? manifest.manifest?.license : undefined
    if (license === 'UNLICENSED') return []
    const which = license ? `, although the manifest declares "${license}"` : ''
    return [{ message: `there is no LICENSE file${which}`, subject: 'missing' }]
  },
}
