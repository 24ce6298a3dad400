import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Dependencies, digestOf } from '../dependencies/read-dependencies.ts'
import { type Indexes, withoutCredentials } from '../indexes.ts'
import type { Python } from '../python/find-pythons.ts'

/** Changes when environments have to be made again, although nothing of the trainer changed. */
const FORMAT = 1

/** Identifies an environment: the same dependencies, Python, platform and indexes give the same one. */
export function environmentKey(dependencies: Dependencies, python: Python, indexes: Indexes): string {
  const parts = [
    FORMAT,
    digestOf(dependencies),
    python.version,
    python.path,
    process.platform,
    process.arch,
    indexes.urls.map(withoutCredentials),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

/** The folders of a build. */
export interface BuildFolders {
  /** Holds the files of the dependencies. Read only. */
  projectDir: string
  /** Everything that the build writes. */
  workDir: string
  /** In `workDir`. It can be moved afterwards. */
  environmentDir: string
  cacheDir: string
  tmpDir: string
  homeDir: string
}

export function buildFolders(draftDir: string): BuildFolders {
  const workDir = join(draftDir, 'work')
  return {
    projectDir: join(draftDir, 'project'),
    workDir,
    environmentDir: join(workDir, 'environment'),
    cacheDir: join(workDir, 'cache'),
    tmpDir: join(workDir, 'tmp'),
    homeDir: join(workDir, 'home'),
  }
}

/** The commands of a build, in turn. */
export function buildCommands(
  uv: string,
  python: Python,
  dependencies: Dependencies,
  folders: BuildFolders,
): string[][] {
  const { environmentDir, projectDir } = folders
  const interpreter = join(environmentDir, 'bin', 'python')
  const { kind } = dependencies
  // Scripts of a relocatable environment find their Python beside them: it moves into its place when it is complete.
  const create = [uv, 'venv', '--quiet', '--python', python.path, '--relocatable', '--no-project', environmentDir]
  if (kind === 'uv.lock') {
    const sync = [uv, 'sync', '--frozen', '--no-install-project', '--no-dev', '--python', interpreter]
    return [create, [...sync, '--project', projectDir]]
  }
  const file = kind === 'inline' ? 'script.py' : kind
  const hashes = dependencies.hasHashes ? ['--require-hashes'] : []
  return [create, [uv, 'pip', 'install', '--python', interpreter, ...hashes, '-r', join(projectDir, file)]]
}

/** The variables of uv. */
export function buildVariables(indexes: Indexes, { environmentDir }: BuildFolders): Record<string, string> {
  const urls = indexes.urls
  const env: Record<string, string> = {
    UV_PROJECT_ENVIRONMENT: environmentDir,
    UV_NO_PROGRESS: '1',
    UV_PYTHON_DOWNLOADS: 'never',
    NO_COLOR: '1',
  }
  // uv asks the default index last.
  const last = urls.at(-1)
  if (last !== undefined) env.UV_DEFAULT_INDEX = last
  if (urls.length > 1) env.UV_INDEX = urls.slice(0, -1).join(' ')
  return env
}
