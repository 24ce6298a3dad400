import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

const NODE_LOCKS = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb']
const PYTHON_LOCKS = ['uv.lock', 'poetry.lock', 'pdm.lock', 'Pipfile.lock', 'pylock.toml', 'requirements.lock']

export const lockFile: FolderRule = {
  code: 'TY210',
  severity: 'info',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY210'),
  help: 'Add the lock file of your package manager, so that every build installs the same dependencies.',
  async check(folder) {
    const has = (names: readonly string[]) => names.some((name) => folder.find(name))
    const findings: RuleFinding[] = []
    const packageJson = await folder.readText('package.json', folder.limits.maxTextBytes)
    if (packageJson !== undefined && !has(NODE_LOCKS) && declaresDependencies(packageJson)) {
      findings.push({ message: 'package.json has dependencies, but there is no lock file', file: 'package.json' })
    }
    const requirements = await folder.readText('requirements.txt', folder.limits.maxTextBytes)
    const loose = requirements?.split('\n').findIndex(isLooseRequirement) ?? -1
    if (requirements !== undefined && loose !== -1 && !has(PYTHON_LOCKS)) {
      const message = 'requirements.txt does not pin every version, and there is no lock file'
      findings.push({ message, file: 'requirements.txt', line: loose + 1, column: 1 })
    }
    const pyproject = await folder.readText('pyproject.toml', folder.limits.maxTextBytes)
    const pythonDependencies = pyproject !== undefined && /^\s*dependencies\s*=\s*\[\s*[^\]\s]/m.test(pyproject)
    if (pythonDependencies && requirements === undefined && !has(PYTHON_LOCKS)) {
      findings.push({ message: 'pyproject.toml has dependencies, but there is no lock file', file: 'pyproject.toml' })
    }
    return findings
  },
}

function declaresDependencies(packageJson: string): boolean {
  try {
    const { dependencies } = JSON.parse(packageJson) as { dependencies?: unknown }
    return typeof dependencies === 'object' && dependencies !== null && Object.keys(dependencies).length > 0
  } catch {
    return false
  }
}

function isLooseRequirement(line: string): boolean {
  const text = line.replace(/#.*/, '').trim()
  return text !== '' && !text.startsWith('-') && !text.includes('==') && !text.includes('@')
}
