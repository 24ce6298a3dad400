import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DEFAULT_MANIFEST_IMAGE_PATH, describeIssue, MANIFEST_FILE_NAME, TrainerManifest } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'

/**
 * Finds the trainer's manifest: `given`, or `trainer.json` in the folder of `program` or one of its three parent folders, or the
 * default path in images. Undefined when there is none. Throws `ConfigError` when it is invalid.
 */
export function findManifest(
  given: string | URL | TrainerManifest | undefined,
  program: string | undefined,
): TrainerManifest | undefined {
  if (given !== undefined && typeof given !== 'string' && !(given instanceof URL)) return parse(given, 'The manifest')
  if (given !== undefined) {
    const text = read(given)
    if (text === undefined) throw new ConfigError(`The manifest "${given}" cannot be read`)
    return parseText(text, String(given))
  }
  const candidates: string[] = []
  let folder = program === undefined ? undefined : dirname(program)
  for (let depth = 0; folder !== undefined && depth < 4; depth++) {
    candidates.push(join(folder, MANIFEST_FILE_NAME))
    folder = dirname(folder)
  }
  for (const file of [...candidates, DEFAULT_MANIFEST_IMAGE_PATH]) {
    const text = read(file)
    if (text !== undefined) return parseText(text, file)
  }
  return undefined
}

function read(file: string | URL): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function parseText(text: string, file: string): TrainerManifest {
  try {
    return parse(JSON.parse(text), file)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`${file} is not JSON: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function parse(value: unknown, file: string): TrainerManifest {
  const parsed = TrainerManifest.safeParse(value)
  if (parsed.success) return parsed.data
  const details = parsed.error.issues
    .flatMap((issue) => describeIssue(issue))
    .map(({ path, detail }) => `${path.join('.') || 'the manifest'} ${detail}`)
  throw new ConfigError(`${file}: ${details.join('; ')}`)
}
