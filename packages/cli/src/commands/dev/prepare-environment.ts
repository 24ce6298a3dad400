import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { EnvironmentStore, environmentsDir } from '@trainyard/environments'
import { withLinesOnce } from '../../build/lines-once.ts'
import type { CliIo } from '../../command-line/io.ts'
import { createPaint } from '../../terminal/paint.ts'
import { cleanText } from '../../terminal/text.ts'

/** Makes the Python environment of a trainer, or finds it. Undefined: the manifest asks for none, and PATH stays as it is. */
export async function prepareEnvironment(
  manifest: TrainerManifest,
  { cwd, env, stderr }: CliIo,
): Promise<{ variables: Record<string, string>; file: string } | undefined> {
  const paint = createPaint(stderr, env)
  const store = new EnvironmentStore({ dir: environmentsDir(env), env })
  const environment = await withLinesOnce(
    (onLine) => store.prepare(cwd, manifest, { onLine }),
    (line) => stderr.write(`${paint('dim', cleanText(line))}\n`),
  )
  if (environment === undefined) return undefined
  const { dir, file } = environment
  const path = [join(dir, 'bin'), env.PATH].filter((part) => part !== undefined && part !== '').join(delimiter)
  return { variables: { PATH: path, VIRTUAL_ENV: dir }, file }
}

/** The file that a name of a program in PATH stands for. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string | undefined {
  if (name.includes('/')) return name
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}
