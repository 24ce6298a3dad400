import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MANIFEST_FILE_NAME, TrainerManifest } from '@trainyard/contract'
import { fieldIssues, TrainyardError } from '@trainyard/platform'
import semver from 'semver'
import { parseTrainerReference, type ResolvedTrainer, type TrainerSource } from './source.ts'

/** One trainer from a folder, for the validator and for development. It runs where it lies. */
export function createFolderTrainerSource(dir: string): TrainerSource {
  const root = resolve(dir)
  return {
    async resolve(reference) {
      const { name, range } = parseTrainerReference(reference)
      const trainer = await readTrainer(root)
      if (trainer.name !== name)
        throw new TrainyardError('not_found', `There is no trainer "${name}"; the folder holds "${trainer.name}"`)
      if (range !== 'latest' && !semver.satisfies(trainer.version, range, { includePrerelease: true })) {
        const wanted =
          semver.validRange(range) === null ? `"${range}" is not a version range` : `no version fits "${range}"`
        throw new TrainyardError('unprocessable', `${wanted}; ${name} has ${trainer.version}`)
      }
      return trainer
    },
    async fetchBundle() {
      return { dir: root }
    },
  }
}

async function readTrainer(root: string): Promise<ResolvedTrainer> {
  const file = join(root, MANIFEST_FILE_NAME)
  let text: string
  let json: unknown
  try {
    text = await readFile(file, 'utf8')
    json = JSON.parse(text)
  } catch (error) {
    throw new TrainyardError('unprocessable', `${MANIFEST_FILE_NAME} cannot be read: ${String(error)}`, {
      cause: error,
    })
  }
  const manifest = TrainerManifest.safeParse(json)
  if (!manifest.success) {
    const issues = fieldIssues(manifest.error, json)
    const [first] = issues
    throw new TrainyardError(
      'unprocessable',
      `${MANIFEST_FILE_NAME} is not a manifest: ${first?.path ?? ''} ${first?.detail ?? ''}`,
      { issues: issues.map((issue) => ({ ...issue, path: `trainer.${issue.path}` })) },
    )
  }
  const { name, version } = manifest.data
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
  return { name, version, digest, manifest: manifest.data }
}
