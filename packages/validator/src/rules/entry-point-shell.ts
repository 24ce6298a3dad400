import { plainWords } from '../fixes/plain-words.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const SHELL = /^(?:\/(?:usr\/)?bin\/)?(?:sh|bash|dash|zsh|ash)$/

export const entryPointShell: FolderRule = {
  code: 'TY113',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY113'),
  help: 'Name the program and its arguments, or put the commands into a script that ends with exec.',
  check({ manifest }) {
    if (manifest.state !== 'read' || manifest.manifest === undefined) return []
    return Object.entries(manifest.manifest.entrypoints).flatMap(([operation, argv]) => {
      const [program = '', option = ''] = argv ?? []
      if (!SHELL.test(program) || !/^-\w*c$/.test(option)) return []
      const message = `the entry point "${operation}" runs a command line with ${program} ${option}; the shell does not pass on SIGTERM`
      return [{ message, file: 'trainer.json', subject: operation }]
    })
  },
  fix({ manifest }) {
    if (manifest.state !== 'read' || manifest.manifest === undefined) return []
    return Object.values(manifest.manifest.entrypoints).flatMap((argv) => {
      const [program = '', option = '', line = '', ...rest] = argv ?? []
      const words = plainWords(line)
      if (!SHELL.test(program) || option !== '-c' || rest.length > 0 || words === undefined) return []
      // As it is written, so that the rest of the file keeps its form.
      const parts = [program, option, line].map((part) => escapePattern(JSON.stringify(part)))
      const pattern = new RegExp(`\\[\\s*${parts.join('\\s*,\\s*')}\\s*\\]`, 'g')
      const plain = JSON.stringify(words).replaceAll('","', '", "')
      return [{ file: 'trainer.json', edit: (text: string) => text.replace(pattern, () => plain) }]
    })
  },
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
