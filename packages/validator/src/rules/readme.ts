import { type FolderRule, ruleDocsUrl } from '../rule.ts'

/** A shorter README, headings and links included, cannot explain a trainer. */
const MIN_LENGTH = 200

export const readme: FolderRule = {
  code: 'TY201',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY201'),
  help: 'Write a README.md that describes the models, the expected data, the settings and the results.',
  async check(folder) {
    const file = folder.files.find(({ path }) => /^readme(?:\.(?:md|markdown|txt))?$/i.test(path))
    if (!file) return [{ message: 'there is no README.md, which is shown as the trainer’s page in the marketplace' }]
    const text = (await folder.readText(file.path, folder.limits.maxTextBytes)) ?? ''
    const { length } = text.trim()
    if (length >= MIN_LENGTH) return []
    const message = `the README has ${length} characters; expected at least ${MIN_LENGTH}`
    return [{ message, file: file.path, subject: 'short' }]
  },
}
