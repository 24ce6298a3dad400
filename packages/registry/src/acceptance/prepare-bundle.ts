import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Finding, MANIFEST_FILE_NAME, TrainerManifest } from '@trainyard/contract'
import { findJson, TrainyardError, unpackTar } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { readLimited } from '../oci/bodies.ts'
import { blobKey } from '../oci/names.ts'
import type { ImageManifest } from '../oci/parse-manifest.ts'
import { createFinding } from './findings.ts'
import { findReadme } from './readme.ts'
import { findReadmePictures, type ReadmePicture } from './readme-pictures.ts'

/** A trainer as found in a pushed bundle or image. */
export interface PreparedTrainer {
  /** Undefined if `trainer.json` is missing or not valid. `findings` or the validator then report it. */
  manifest: TrainerManifest | undefined
  readme: string | undefined
  /** Pictures of the trainer's folder that the README shows. Undefined: they were not read. */
  readmePictures?: readonly ReadmePicture[] | undefined
  findings: Finding[]
  /** Whether the trainer's folder was unpacked completely, so that the validator can check it. */
  unpacked: boolean
  /** Digests of the images of an image part that were read, undefined for the pushed manifest itself. Empty for a bundle. */
  checkedImages: readonly (string | undefined)[]
}

const MAX_FILES = 20_000
const MAX_CONFIG_BYTES = 4 * 1024 * 1024

/** Unpacks a bundle into `dir`. An archive that cannot be unpacked safely is a finding, not an error. */
export async function prepareBundle(
  context: RegistryContext,
  bundle: ImageManifest,
  dir: string,
): Promise<PreparedTrainer> {
  const notUnpacked = { manifest: undefined, readme: undefined, unpacked: false, checkedImages: [] }
  const layer = bundle.layers[0]
  if (!layer) return { ...notUnpacked, findings: [createFinding('TY290', 'the bundle has no layer')] }
  try {
    await unpackTar((await context.store.get(blobKey(layer.digest))).body, dir, {
      gzip: 'auto',
      maxFiles: MAX_FILES,
      maxTotalBytes: context.config.maxBundleBytes,
    })
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.code !== 'unprocessable') throw error
    return { ...notUnpacked, findings: [createFinding('TY290', `the bundle cannot be unpacked: ${error.message}`)] }
  }
  const text = await readLimited(createReadStream(join(dir, MANIFEST_FILE_NAME)), MAX_CONFIG_BYTES).catch(
    () => undefined,
  )
  const json = text === undefined ? undefined : parseJson(text)
  const config = await readLimited((await context.store.get(blobKey(bundle.config.digest))).body, MAX_CONFIG_BYTES)
  const findings =
    json === undefined || (config && isDeepStrictEqual(json, parseJson(config)))
      ? []
      : [createFinding('TY291', 'the config of the bundle differs from its trainer.json', { file: MANIFEST_FILE_NAME })]
  const readme = await findReadme(dir)
  return {
    manifest: TrainerManifest.safeParse(json).data,
    readme,
    readmePictures: await findReadmePictures(dir, readme),
    findings,
    unpacked: true,
    checkedImages: [],
  }
}

/** Undefined for what is not JSON, or is larger or deeper than any manifest: it is pushed by strangers. */
export function parseJson(bytes: Uint8Array): unknown {
  return findJson(bytes, { maxBodyBytes: MAX_CONFIG_BYTES, maxValues: 100_000 })
}
