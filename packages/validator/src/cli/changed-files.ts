import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { UsageError } from '../errors.ts'

const run = promisify(execFile)

/** The files below a folder that differ from a revision of git, with those that git does not know yet. */
export async function listChangedFiles(dir: string, revision: string): Promise<ReadonlySet<string>> {
  if (revision.startsWith('-') || revision === '')
    throw new UsageError(`--since is "${revision}"; expected a revision of git, for example origin/main`)
  const git = async (...args: string[]) => {
    const { stdout } = await run('git', ['-C', dir, ...args], { maxBuffer: 64 * 1024 * 1024 })
    return stdout.split('\0').filter((path) => path !== '')
  }
  try {
    const changed = await git('diff', '--name-only', '--relative', '-z', revision, '--', '.')
    const added = await git('ls-files', '--others', '--exclude-standard', '-z', '--', '.')
    return new Set([...changed, ...added])
  } catch (error) {
    const reason = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new UsageError(`--since "${revision}": ${reason.trim().split('\n')[0] || 'git is not installed'}`)
  }
}
