import {
  type ImageLayer,
  imageLayers,
  type ListedImage,
  type ListedImages,
  listImages,
} from '@trainyard/validator/image'
import type { RegistryContext } from '../context.ts'

/** Every image that a client could pull by the pushed manifest. */
export async function imagesOf(context: RegistryContext, repositoryId: number, json: unknown): Promise<ListedImages> {
  return await listImages(json, (digest) => findManifest(context, repositoryId, digest))
}

/** The layers of several images, each once. */
export function layersOf(images: readonly ListedImage[]): ImageLayer[] {
  const layers = new Map<string, ImageLayer>()
  for (const { manifest } of images)
    for (const layer of imageLayers(manifest)) layers.set(`${layer.digest} ${layer.mediaType}`, layer)
  return [...layers.values()]
}

async function findManifest(
  { database }: RegistryContext,
  repositoryId: number,
  digest: string,
): Promise<Uint8Array | undefined> {
  const row = await database.db
    .selectFrom('manifests')
    .select('content')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row?.content
}
