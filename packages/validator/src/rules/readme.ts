import { type FolderRule, ruleDocsUrl } from '../rule.ts'

/** Fewer characters than this (headings and links included) tell nobody what a trainer does. */
const MIN_LENGTH = 200

export const readme: FolderRule = {
  code: 'TY201',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY201'),
  help: 'Write a README.md: what the trainer trains, on which data, with which settings, and what comes out.',
  async check(folder) {
    const file = folder.files.find(({ path }) => /^readme(?:\.(?:md|markdown|txt))?$/i.test(path))
    if (!file) return [{ message: 'there is no README.md: it is the trainer’s page in the marketplace' }]
    const text = (await folder.readText(file.path, folder.limits.maxTextBytes)) ?? ''
    const { length } = text.trim()
    if (length >= MIN_LENGTH) return []
    const message = `the README has ${length} characters; at least ${MIN_LENGTH} are wanted`
    return [{ message, file: file.path, subject: 'short' }]
  },
}
