import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

const MIB = 1024 * 1024
const MAX_FILE_BYTES = 100 * MIB
const MAX_TOTAL_BYTES = 500 * MIB
/** What builds, editors and test runs leave behind. */
const LEFTOVERS =
  /(?:^|\/)(?:__pycache__|\.venv|venv|\.pytest_cache|\.mypy_cache|\.ipynb_checkpoints|\.idea|\.vscode|\.DS_Store)(?:\/|$)/

export const packageSize: FolderRule = {
  code: 'TY208',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY208'),
  help: 'Take out what a job does not need; fetch large weights at run time from a declared host, or ship an image.',
  check({ files, truncated, limits }) {
    const findings: RuleFinding[] = []
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    if (truncated) {
      const message = `there are more than ${limits.maxFiles} files; the rest was not looked at`
      findings.push({ message, severity: 'error', subject: 'files' })
    }
    if (totalBytes > MAX_TOTAL_BYTES) {
      const message = `the package has ${mib(totalBytes)}; at most ${mib(MAX_TOTAL_BYTES)} are wanted`
      findings.push({ message, severity: 'error', subject: 'total' })
    }
    for (const { path, sizeBytes } of files) {
      if (sizeBytes <= MAX_FILE_BYTES) continue
      const message = `the file has ${mib(sizeBytes)}; more than ${mib(MAX_FILE_BYTES)} make every start slow`
      findings.push({ message, file: path, subject: 'large' })
    }
    const leftovers = new Map<string, number>()
    for (const { path } of files) {
      const match = LEFTOVERS.exec(path)
      if (!match) continue
      const folder = path.slice(0, match.index + match[0].length).replace(/\/$/, '')
      leftovers.set(folder, (leftovers.get(folder) ?? 0) + 1)
    }
    for (const [path, count] of leftovers) {
      const message = `left over from building or editing (${count} ${count === 1 ? 'file' : 'files'}); no job needs it`
      findings.push({ message, file: path, subject: 'leftover' })
    }
    return findings
  },
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
