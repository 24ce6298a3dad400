import { LayerRefused } from './errors.ts'
import { inspectLayer } from './image/inspect-layer.ts'
import type { LayerListing } from './image/layer-entry.ts'
import { type ImageLayer, type ImageView, type LayerReader, readImage } from './image/read-image.ts'
import { type LayerSecrets, listAndSearchLayer } from './image/search-layer.ts'
import type { ImageStore } from './targets/image-store.ts'
import { streamStored } from './targets/scratch.ts'

/** Reads the layers of a store, each as rarely as possible. */
export interface StoreReader extends LayerReader {
  /** The image that these layers make. */
  view(layers: readonly ImageLayer[]): Promise<ImageView>
  secretsOf(layer: ImageLayer): Promise<LayerSecrets>
}

/** `searches`: whether secrets are looked for in the same pass. */
export function createStoreReader(store: ImageStore, searches: boolean, signal: AbortSignal): StoreReader {
  const passes = new Map<string, Promise<{ listing: LayerListing; secrets: LayerSecrets | undefined }>>()
  const views = new Map<string, Promise<ImageView>>()
  const open = async ({ digest }: ImageLayer) => {
    const stored = await store.find(digest)
    if (stored === undefined) throw new LayerRefused('is missing, or its bytes have another digest')
    return streamStored(stored)
  }
  const pass = (layer: ImageLayer) => {
    const key = `${layer.digest} ${layer.mediaType}`
    const known = passes.get(key) ?? readOnce(layer)
    passes.set(key, known)
    return known
  }
  const readOnce = async (layer: ImageLayer) => {
    const { mediaType } = layer
    const body = await open(layer)
    if (!searches) return { listing: await inspectLayer(body, { mediaType, signal }), secrets: undefined }
    return await listAndSearchLayer({ body, mediaType, onFile: () => signal.throwIfAborted() })
  }
  const reader: LayerReader = {
    list: async (layer) => (await pass(layer)).listing,
    async read(layer, index, maxBytes) {
      let content: Uint8Array | undefined
      await inspectLayer(await open(layer), {
        mediaType: layer.mediaType,
        signal,
        async onFile(_, file, at) {
          if (at === index) content = await file.read(maxBytes)
        },
      })
      return content
    },
  }
  return {
    ...reader,
    view(layers) {
      const key = layers.map(({ digest }) => digest).join(' ')
      const known = views.get(key) ?? readImage(layers, reader)
      views.set(key, known)
      return known
    },
    async secretsOf(layer) {
      const { secrets } = await pass(layer)
      if (secrets === undefined) throw new Error('secrets were not looked for')
      return secrets
    },
  }
}
