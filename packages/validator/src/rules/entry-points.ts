import { IGNORED_FOLDERS, type TrainerFolder } from '../context.ts'
import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** Arguments with these endings are programs that an interpreter is to read. */
const SCRIPT = /\.(?:[cm]?[jt]s|py|pyz|rb|sh|bash|jl|lua|r|jar|pl|php)$/i

export const entryPoints: FolderRule = {
  code: 'TY105',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY105'),
  help: 'Name files by their path from the trainer’s root, and build the trainer before it is checked or published.',
  check(folder) {
    const { manifest } = folder
    if (manifest.state !== 'read') return []
    const entrypoints = (manifest.raw as { entrypoints?: Record<string, unknown> } | null)?.entrypoints
    if (typeof entrypoints !== 'object' || entrypoints === null) return []
    const findings: RuleFinding[] = []
    for (const [name, argv] of Object.entries(entrypoints)) {
      if (!Array.isArray(argv)) continue
      argv.forEach((argument: unknown, index) => {
        if (typeof argument !== 'string' || argv[index - 1] === '-m' || argv[index - 1] === '-e') return
        const wrong = judgeArgument(folder, argument, index === 0)
        if (wrong) {
          const message = `entry point "${name}" names ${JSON.stringify(argument)}, ${wrong}`
          findings.push({ message, ...manifestPlace(manifest, ['entrypoints', name, index]) })
        }
      })
    }
    return findings
  },
}

/** What is wrong with one argument, if it means a file. */
function judgeArgument(folder: TrainerFolder, argument: string, isProgram: boolean): string | undefined {
  if (argument === '' || argument.startsWith('-') || /\s/.test(argument) || argument.includes('://')) return undefined
  const isFile = isProgram ? argument.includes('/') : argument.startsWith('./') || SCRIPT.test(argument)
  if (argument.startsWith('/')) {
    // In an image, absolute paths are the image's business.
    if (!isFile || folder.dockerfiles.length > 0) return undefined
    return 'an absolute path, which no other machine has'
  }
  if (!isFile && !argument.startsWith('../')) return undefined
  const parts: string[] = []
  for (const part of argument.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return 'which leads out of the trainer’s folder'
  }
  const path = parts.join('/')
  if (folder.find(path) || parts.some((part) => IGNORED_FOLDERS.has(part))) return undefined
  const odd = folder.oddities.find((entry) => entry.path === path || path.startsWith(`${entry.path}/`))
  if (odd) return `which is or goes through a ${odd.kind}: that is not part of a package`
  const sameName = folder.files.find((file) => file.path.toLowerCase() === path.toLowerCase())
  return sameName ? `but the file is called "${sameName.path}"` : 'and there is no such file'
}
