import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Finding, MANIFEST_FILE_NAME, TrainerManifest } from '@trainyard/contract'
import { TrainyardError, unpackTar } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import type { ImageManifest } from '../oci/manifest-schema.ts'
import { blobKey } from '../oci/names.ts'
import { readLimited } from '../oci/streams.ts'
import { createFinding } from './findings.ts'
import { findReadme } from './readme.ts'

/** A trainer as it was found in what was pushed. */
export interface PreparedTrainer {
  /** Absent when `trainer.json` is missing or wrong: then `findings` or the validator say so. */
  manifest: TrainerManifest | undefined
  readme: string | undefined
  findings: Finding[]
  /** The folder is whole and may be validated. */
  unpacked: boolean
}

const MAX_FILES = 20_000
const MAX_CONFIG_BYTES = 4 * 1024 * 1024

/** Unpacks a bundle into `dir`. What an honest packer would never write is a finding, not an error. */
export async function prepareBundle(
  context: RegistryContext,
  bundle: ImageManifest,
  dir: string,
): Promise<PreparedTrainer> {
  const nothing = { manifest: undefined, readme: undefined, unpacked: false }
  const layer = bundle.layers[0]
  if (!layer) return { ...nothing, findings: [createFinding('TY290', 'the bundle has no layer')] }
  try {
    await unpackTar((await context.store.get(blobKey(layer.digest))).body, dir, {
      gzip: 'auto',
      maxFiles: MAX_FILES,
      maxTotalBytes: context.config.maxBundleBytes,
    })
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.code !== 'unprocessable') throw error
    return { ...nothing, findings: [createFinding('TY290', `the bundle cannot be unpacked: ${error.message}`)] }
  }
  const text = await readFile(join(dir, MANIFEST_FILE_NAME), 'utf8').catch(() => undefined)
  const json = text === undefined ? undefined : parseJson(text)
  const config = await readLimited((await context.store.get(blobKey(bundle.config.digest))).body, MAX_CONFIG_BYTES)
  const findings =
    json === undefined || (config && isDeepStrictEqual(json, parseJson(Buffer.from(config).toString('utf8'))))
      ? []
      : [createFinding('TY291', 'the bundle’s config is not its trainer.json', MANIFEST_FILE_NAME)]
  return {
    manifest: TrainerManifest.safeParse(json).data,
    readme: await findReadme(dir),
    findings,
    unpacked: true,
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
