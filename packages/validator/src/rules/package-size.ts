import { ignorePath } from '../fixes/ignore-line.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'
import type { TrainerFolder } from '../trainer-folder.ts'

const MIB = 1024 * 1024
const MAX_FILE_BYTES = 100 * MIB
const MAX_TOTAL_BYTES = 500 * MIB
/** Files that builds, editors and test runs leave behind. */
const LEFTOVERS =
  /(?:^|\/)(?:__pycache__|\.venv|venv|\.pytest_cache|\.mypy_cache|\.ipynb_checkpoints|\.idea|\.vscode|\.DS_Store)(?:\/|$)/

export const packageSize: FolderRule = {
  code: 'TY208',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY208'),
  help: 'Remove what jobs do not need. Download large weights at run time from a declared host, or publish an image.',
  check({ files, truncated, limits }) {
    const findings: RuleFinding[] = []
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    if (truncated) {
      const message = `the package has more than ${limits.maxFiles} files; the others were not checked`
      findings.push({ message, severity: 'error', subject: 'files' })
    }
    if (totalBytes > MAX_TOTAL_BYTES) {
      const message = `the size of the package is ${mib(totalBytes)}; the maximum is ${mib(MAX_TOTAL_BYTES)}`
      findings.push({ message, severity: 'error', subject: 'total' })
    }
    for (const { path, sizeBytes } of files) {
      if (sizeBytes <= MAX_FILE_BYTES) continue
      const message = `the size of the file is ${mib(sizeBytes)}; files above ${mib(MAX_FILE_BYTES)} make every start slow`
      findings.push({ message, file: path, subject: 'large' })
    }
    for (const [path, count] of leftoversIn(files)) {
      const message = `left over from a build or an editor (${count} ${count === 1 ? 'file' : 'files'}); jobs do not need it`
      findings.push({ message, file: path, subject: 'leftover' })
    }
    return findings
  },
  fix: ({ files }) => [...leftoversIn(files).keys()].map(ignorePath),
}

/** What builds and editors left behind, with the number of its files. */
function leftoversIn(files: TrainerFolder['files']): Map<string, number> {
  const leftovers = new Map<string, number>()
  for (const { path } of files) {
    const match = LEFTOVERS.exec(path)
    if (!match) continue
    const folder = path.slice(0, match.index + match[0].length).replace(/\/$/, '')
    leftovers.set(folder, (leftovers.get(folder) ?? 0) + 1)
  }
  return leftovers
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
