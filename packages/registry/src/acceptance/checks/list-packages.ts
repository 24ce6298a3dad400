import { imageLayers, type ListedImage, readImage } from '@trainyard/validator/image'
import { createLayerReader } from '../layer-reader.ts'
import { imagesOf } from '../part-images.ts'
import type { LocatedPackage } from '../scanners/cyclonedx.ts'
import { LayerPackages } from '../scanners/packages/find-packages.ts'
import type { Distribution } from '../scanners/packages/package.ts'
import type { CheckInput, CheckReporter } from './check.ts'
import { scanLayers } from './scan-layers.ts'

/** Change the version when the same bytes give other packages. */
const SCANNER = { name: 'packages', version: '1' }

export interface PartPackages {
  packages: LocatedPackage[]
  distribution: Distribution | undefined
  /** Lists of packages that were not read, for example those of rpm. */
  unread: string[]
}

/**
 * The packages of a bundle or of all images of an index, by their own lists. Files that a later layer replaces or deletes do
 * not count.
 *
 * @throws LayerRefused when a layer cannot be read
 */
export async function listPackages(
  input: CheckInput,
  reporter: CheckReporter,
  signal: AbortSignal,
): Promise<PartPackages> {
  const byLayer = new Map<string, LayerPackages>()
  const scans = scanLayers(
    input,
    { scanner: SCANNER, job: { kind: 'packages' }, schema: LayerPackages },
    reporter,
    signal,
  )
  for await (const { layer, result } of scans) byLayer.set(layer.digest, result)
  const { images } = await imagesOf(input.context, input.part.repository_id, input.manifest)
  const found: PartPackages = { packages: [], distribution: undefined, unread: [] }
  const seen = new Set<string>()
  for (const image of images) {
    const own = await packagesOf(input, image, byLayer, signal)
    found.distribution ??= own.distribution
    found.unread.push(...own.unread)
    for (const one of own.packages) {
      const key = [one.type, one.name, one.version, one.architecture, one.path].join('\n')
      if (!seen.has(key)) found.packages.push(one)
      seen.add(key)
    }
  }
  return found
}

async function packagesOf(
  { context }: CheckInput,
  image: ListedImage,
  byLayer: ReadonlyMap<string, LayerPackages>,
  signal: AbortSignal,
): Promise<PartPackages> {
  const layers = imageLayers(image.manifest)
  const { tree } = await readImage(layers, createLayerReader(context, signal))
  const found: PartPackages = { packages: [], distribution: undefined, unread: [] }
  for (const [layer, { digest }] of layers.entries()) {
    const result = byLayer.get(digest)
    const remains = ({ path, index }: { path: string; index: number }) => {
      const node = tree.find(path)
      return node?.layer === layer && node.index === index
    }
    for (const file of result?.files.filter(remains) ?? [])
      found.packages.push(...file.packages.map((one) => ({ ...one, path: file.path, layer: digest })))
    // Of the usual two files, /etc/os-release is a link to the other.
    found.distribution = result?.distributions.find(remains)?.distribution ?? found.distribution
    found.unread.push(...(result?.unread.examples ?? []))
  }
  return found
}
