import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'
import { IGNORED_FOLDERS, type TrainerFolder } from '../trainer-folder.ts'

/** Arguments with these extensions are scripts. */
const SCRIPT = /\.(?:[cm]?[jt]s|py|pyz|rb|sh|bash|jl|lua|r|jar|pl|php)$/i

export const entryPoints: FolderRule = {
  code: 'TY105',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY105'),
  help: 'Use paths relative to the trainer’s folder, and build the trainer before you check or publish it.',
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
        const problem = findProblem(folder, argument, index === 0)
        if (problem) {
          const message = `entry point "${name}" names ${JSON.stringify(argument)}, ${problem}`
          findings.push({ message, ...manifestPlace(manifest, ['entrypoints', name, index]) })
        }
      })
    }
    return findings
  },
}

/** The problem with an argument that refers to a file, as the end of a sentence. */
function findProblem(folder: TrainerFolder, argument: string, isProgram: boolean): string | undefined {
  if (argument === '' || argument.startsWith('-') || /\s/.test(argument) || argument.includes('://')) return undefined
  const isFile = isProgram ? argument.includes('/') : argument.startsWith('./') || SCRIPT.test(argument)
  if (argument.startsWith('/')) {
    // With a Dockerfile, absolute paths refer to the image.
    if (!isFile || folder.dockerfiles.length > 0) return undefined
    return 'an absolute path, which does not exist on other machines'
  }
  if (!isFile && !argument.startsWith('../')) return undefined
  const parts: string[] = []
  for (const part of argument.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return 'which is outside the trainer’s folder'
  }
  const path = parts.join('/')
  if (folder.find(path) || parts.some((part) => IGNORED_FOLDERS.has(part))) return undefined
  const special = folder.specialEntries.find((entry) => entry.path === path || path.startsWith(`${entry.path}/`))
  if (special) return `which is or passes through a ${special.kind}; packages cannot contain one`
  const sameName = folder.files.find((file) => file.path.toLowerCase() === path.toLowerCase())
  return sameName ? `but the file is named "${sameName.path}"` : 'which does not exist'
}
