import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const MAGIC_BYTES = 4
const MAX_CHECKED = 2000
const MAGIC: readonly string[] = ['7f454c46', 'cffaedfe', 'feedfacf', 'cafebabe']

export const nativePrograms: FolderRule = {
  code: 'TY309',
  severity: 'info',
  phase: 'security',
  docsUrl: ruleDocsUrl('TY309'),
  help: 'Publish an image, or declare the package that contains the program: people cannot read what it does.',
  async check(folder) {
    const found: string[] = []
    for (const { path, sizeBytes } of folder.files.slice(0, MAX_CHECKED)) {
      if (sizeBytes < MAGIC_BYTES || /\.(?:json|md|txt|py|js|ts)$/.test(path)) continue
      const start = await folder.readBytes(path, MAGIC_BYTES)
      if (start !== undefined && MAGIC.includes(start.toString('hex'))) found.push(path)
    }
    return found.map((path) => ({ message: 'is a compiled program; its source is not in the package', file: path }))
  },
}
