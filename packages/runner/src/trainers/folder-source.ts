import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MANIFEST_FILE_NAME, TrainerManifest } from '@trainyard/contract'
import { fieldIssues, TrainyardError } from '@trainyard/platform'
import semver from 'semver'
import { parseTrainerReference, type ResolvedTrainer, type TrainerSource } from './source.ts'

/** The trainer in a folder, for the validator and for development. It runs in that folder. */
export function createFolderTrainerSource(dir: string): TrainerSource {
  const root = resolve(dir)
  return {
    async resolve(reference) {
      const { name, range } = parseTrainerReference(reference)
      const trainer = await readTrainer(root)
      if (trainer.name !== name)
        throw new TrainyardError('not_found', `Trainer "${name}" does not exist; the folder contains "${trainer.name}"`)
      if (range !== 'latest' && !semver.satisfies(trainer.version, range, { includePrerelease: true })) {
        const reason =
          semver.validRange(range) === null ? `"${range}" is not a version range` : `no version satisfies "${range}"`
        throw new TrainyardError('unprocessable', `${reason}; ${name} has version ${trainer.version}`)
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
      `${MANIFEST_FILE_NAME} is not a valid manifest: ${first?.path ?? ''} ${first?.detail ?? ''}`,
      { issues: issues.map((issue) => ({ ...issue, path: `trainer.${issue.path}` })) },
    )
  }
  const { name, version } = manifest.data
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
  return { name, version, digest, manifest: manifest.data }
}
