import { isDeepStrictEqual } from 'node:util'
import { type Finding, TrainerManifest } from '@trainyard/contract'
import { imageLayers, LayerRefused, type ListedImage, readImage, readImageTrainer } from '@trainyard/validator/image'
import type { RegistryContext } from '../context.ts'
import { createFinding } from './findings.ts'
import { readImageConfig } from './image-config.ts'
import { createLayerReader } from './layer-reader.ts'
import { imagesOf } from './part-images.ts'
import type { PreparedTrainer } from './prepare-bundle.ts'
import { cutReadme } from './readme.ts'

/** Reads the trainer's manifest from every image of the part, without running anything in it. */
export async function prepareImage(
  context: RegistryContext,
  repositoryId: number,
  json: unknown,
  signal: AbortSignal,
): Promise<PreparedTrainer> {
  const { images, missing } = await imagesOf(context, repositoryId, json)
  const findings = missing.map((digest) =>
    createFinding('TY192', `the index refers to ${digest}, which was not pushed with it`),
  )
  const nothing = { manifest: undefined, readme: undefined, unpacked: false, checkedImages: [] }
  if (images.length === 0)
    return { ...nothing, findings: [...findings, createFinding('TY192', 'the index refers to no image')] }
  const read: ReadTrainer[] = []
  for (const image of images) {
    const trainer = await readTrainer(context, image, signal)
    findings.push(...trainer.findings)
    read.push(trainer)
  }
  // The trainer of the platform that most people use is shown.
  const shown = read.find(({ platform }) => platform === 'linux/amd64') ?? read[0]
  for (const other of read) {
    if (shown === undefined || other.json === undefined || isDeepStrictEqual(other.json, shown.json)) continue
    findings.push(
      createFinding('TY193', `the image for ${other.platform} holds another manifest than that for ${shown.platform}`),
    )
  }
  return {
    manifest: TrainerManifest.safeParse(shown?.json).data,
    readme: shown?.readme,
    findings,
    unpacked: false,
    checkedImages: images.map(({ digest }) => digest),
  }
}

interface ReadTrainer {
  platform: string
  /** Undefined when the image has no manifest, or one that is no JSON. */
  json: unknown
  readme: string | undefined
  findings: Finding[]
}

async function readTrainer(context: RegistryContext, image: ListedImage, signal: AbortSignal): Promise<ReadTrainer> {
  const platform = image.platform ?? 'the only platform'
  try {
    return { platform, ...(await readFiles(context, image.manifest, signal)) }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof LayerRefused)) throw error
    const finding = createFinding('TY292', `the layer ${error.message}`, { layer: error.layer })
    return { platform, json: undefined, readme: undefined, findings: [finding] }
  }
}

async function readFiles(
  context: RegistryContext,
  manifest: ListedImage['manifest'],
  signal: AbortSignal,
): Promise<Omit<ReadTrainer, 'platform'>> {
  const config = await readImageConfig(context, manifest)
  const layers = imageLayers(manifest)
  const reader = createLayerReader(context, signal)
  const { readme, ...read } = await readImageTrainer(config, await readImage(layers, reader), layers, reader)
  return { ...read, readme: readme === undefined ? undefined : cutReadme(readme) }
}
