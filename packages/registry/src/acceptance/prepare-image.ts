import { posix } from 'node:path'
import { DEFAULT_MANIFEST_IMAGE_PATH, type Finding, MANIFEST_IMAGE_LABEL, TrainerManifest } from '@trainyard/contract'
import { fieldIssues } from '@trainyard/platform'
import { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import { readLimited } from '../oci/bodies.ts'
import { blobKey } from '../oci/names.ts'
import { ImageIndex, ImageManifest } from '../oci/parse-manifest.ts'
import { createFinding } from './findings.ts'
import { type PreparedTrainer, parseJson } from './prepare-bundle.ts'
import { readImage } from './read-image.ts'
import { cutReadme } from './readme.ts'

const ImageConfig = z.looseObject({
  config: z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
})

const MAX_CONFIG_BYTES = 4 * 1024 * 1024

/** Reads the trainer's manifest from an image, without running anything in it. */
export async function prepareImage(
  context: RegistryContext,
  repositoryId: number,
  manifest: unknown,
  signal: AbortSignal,
): Promise<PreparedTrainer> {
  const notUnpacked = { manifest: undefined, readme: undefined, unpacked: false }
  const image = await chooseImage(context, repositoryId, manifest)
  if (!image)
    return {
      ...notUnpacked,
      findings: [createFinding('TY192', 'the index refers to no image that was pushed with it')],
    }
  const configBytes = await readLimited((await context.store.get(blobKey(image.config.digest))).body, MAX_CONFIG_BYTES)
  const config = ImageConfig.safeParse(parseJson(configBytes ?? Buffer.alloc(0)))
  const label = config.data?.config?.Labels?.[MANIFEST_IMAGE_LABEL] ?? DEFAULT_MANIFEST_IMAGE_PATH
  const path = posix.join('/', label)
  const readmePath = posix.join(posix.dirname(path), 'README.md')

  let files: Awaited<ReturnType<typeof readImage>>
  try {
    files = await readImage({
      layers: image.layers.map(({ mediaType, digest }) => ({
        mediaType,
        open: async () => (await context.store.get(blobKey(digest))).body,
      })),
      paths: [path, readmePath],
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    return { ...notUnpacked, findings: [createFinding('TY192', `the layers of the image cannot be read: ${reason}`)] }
  }
  const file = files.get(path)
  if (file?.state !== 'found') {
    const reason = file?.state === 'refused' ? file.reason : 'no layer contains it'
    return {
      ...notUnpacked,
      findings: [createFinding('TY192', `the image has no manifest at ${path}: ${reason}`, path)],
    }
  }
  const readme = files.get(readmePath)
  const json = parseJson(file.content)
  return {
    manifest: TrainerManifest.safeParse(json).data,
    readme: readme?.state === 'found' ? cutReadme(Buffer.from(readme.content).toString('utf8')) : undefined,
    findings: manifestFindings(json, path),
    unpacked: false,
  }
}

function manifestFindings(json: unknown, path: string): Finding[] {
  if (json === undefined) return [createFinding('TY191', `${path} is not JSON`, path)]
  const { error } = TrainerManifest.safeParse(json)
  if (error === undefined) return []
  return fieldIssues(error).map(({ path: field, detail }) =>
    createFinding('TY191', field === '' ? detail : `"${field}" ${detail}`, path),
  )
}

/** The image itself; for an index, its image for Linux on x86-64 or else its first image. */
async function chooseImage(
  context: RegistryContext,
  repositoryId: number,
  json: unknown,
): Promise<ImageManifest | undefined> {
  const single = ImageManifest.safeParse(json)
  if (single.success) return single.data
  const children = ImageIndex.safeParse(json).data?.manifests ?? []
  const runnable = children.filter((child) => child.platform?.os !== 'unknown')
  const chosen = runnable.find((child) => child.platform?.architecture === 'amd64') ?? runnable[0]
  if (!chosen) return undefined
  const row = await context.database.db
    .selectFrom('manifests')
    .select('content')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', chosen.digest)
    .executeTakeFirst()
  return row && ImageManifest.safeParse(parseJson(row.content)).data
}
