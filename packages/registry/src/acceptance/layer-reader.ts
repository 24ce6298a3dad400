import type { ImageLayer, LayerReader } from '@trainyard/validator/image'
import type { RegistryContext } from '../context.ts'
import { blobKey } from '../oci/names.ts'
import { cachedByLayer } from './cached-by-layer.ts'
import type { LayerJob } from './scanners/layer-messages.ts'
import { PackedListing, unpackListing } from './scanners/list-layer.ts'
import { scanLayer } from './scanners/scan-layer.ts'

/** Change it when {@link LayerReader.list} returns something else for the same bytes. */
const LISTING_VERSION = '1'

/** Runs a job on a stored layer, in a worker. */
export async function scanStoredLayer(
  { store, config }: RegistryContext,
  { digest, mediaType }: ImageLayer,
  job: LayerJob,
  signal: AbortSignal,
  onFile?: (path: string, files: number) => void,
): Promise<unknown> {
  const open = async () => (await store.get(blobKey(digest))).body
  return await scanLayer({ mediaType, open, job, limits: config.layerLimits, signal, onFile })
}

/** Reads layers from the store in a worker. What was listed once is not read again. */
export function createLayerReader(context: RegistryContext, signal: AbortSignal): LayerReader {
  return {
    async list(layer) {
      const packed = await cachedByLayer(
        context,
        {
          layerDigest: layer.digest,
          scanner: 'listing',
          scannerVersion: LISTING_VERSION,
          settings: settingsOf(context, layer),
        },
        PackedListing,
        async () => PackedListing.parse(await scanStoredLayer(context, layer, { kind: 'listing' }, signal)),
      )
      return unpackListing(packed)
    },
    async read(layer, index, maxBytes) {
      const bytes = await scanStoredLayer(context, layer, { kind: 'file', index, maxBytes }, signal)
      return bytes instanceof Uint8Array ? bytes : undefined
    },
  }
}

/** What else decides how a layer is read. */
export function settingsOf({ config }: RegistryContext, { mediaType }: ImageLayer): string {
  return JSON.stringify([mediaType, config.layerLimits ?? {}])
}
