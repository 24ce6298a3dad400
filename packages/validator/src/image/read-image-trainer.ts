import { posix } from 'node:path'
import { DEFAULT_MANIFEST_IMAGE_PATH, type Finding, MANIFEST_IMAGE_LABEL, TrainerManifest } from '@trainyard/contract'
import { fieldIssues, findJson } from '@trainyard/platform'
import type { ImageConfig } from './image-config.ts'
import { createImageFinding } from './image-findings.ts'
import { type ImageLayer, type ImageView, type LayerReader, readImageFile } from './read-image.ts'

/** The trainer in an image. */
export interface ImageTrainer {
  /** Its manifest. Undefined when it does not exist or is not JSON. */
  json: unknown
  readme: string | undefined
  findings: Finding[]
}

const JSON_LIMITS = { maxBodyBytes: 4 * 1024 * 1024, maxValues: 100_000 }

/** Reads the manifest and the README of the trainer in an image. */
export async function readImageTrainer(
  config: ImageConfig | undefined,
  view: ImageView,
  layers: readonly ImageLayer[],
  reader: LayerReader,
): Promise<ImageTrainer> {
  const path = posix.join('/', config?.config?.Labels?.[MANIFEST_IMAGE_LABEL] ?? DEFAULT_MANIFEST_IMAGE_PATH)
  const file = await readImageFile(view, path, layers, reader)
  if (file.state !== 'found') {
    const reason = file.state === 'refused' ? file.reason : 'no layer contains it'
    const finding = createImageFinding('TY192', `the image has no manifest at ${path}: ${reason}`, { file: path })
    return { json: undefined, readme: undefined, findings: [finding] }
  }
  const readme = await readImageFile(view, posix.join(posix.dirname(path), 'README.md'), layers, reader)
  const json = findJson(file.content, JSON_LIMITS)
  return {
    json,
    readme: readme.state === 'found' ? Buffer.from(readme.content).toString('utf8') : undefined,
    findings: manifestFindings(json, path),
  }
}

function manifestFindings(json: unknown, path: string): Finding[] {
  if (json === undefined) return [createImageFinding('TY191', `${path} is not JSON`, { file: path })]
  const { error } = TrainerManifest.safeParse(json)
  if (error === undefined) return []
  return fieldIssues(error).map(({ path: field, detail }) =>
    createImageFinding('TY191', field === '' ? detail : `"${field}" ${detail}`, { file: path }),
  )
}
