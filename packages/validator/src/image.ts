/**
 * Reads the layers of container images and applies the rules for them, without running anything in them.
 *
 * ```ts
 * import { ImageTree, inspectLayer } from '@trainyard/validator/image'
 *
 * const { entries } = await inspectLayer(body, { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' })
 * const tree = new ImageTree()
 * tree.apply(entries)
 * ```
 *
 * @module
 */

export { LayerRefused } from './errors.ts'
export { ImageConfig } from './image/image-config.ts'
export { completeFinding, type FindingDetails, IMAGE_RULES } from './image/image-findings.ts'
export {
  configFindings,
  diffIdFindings,
  type RootUserPolicy,
  sizeFindings,
  treeFindings,
} from './image/image-policy.ts'
export { ImageTree } from './image/image-tree.ts'
export { inspectLayer, type LayerLimits } from './image/inspect-layer.ts'
export { type LayerEntry, type LayerListing, shownPath } from './image/layer-entry.ts'
export { addPath, type LayerScan, type SomePaths } from './image/layer-scan.ts'
export { imageLayers, type ListedImage, type ListedImages, listImages } from './image/list-images.ts'
export { type ImageLayer, type ImageView, type LayerReader, readImage, readImageFile } from './image/read-image.ts'
export { type ImageTrainer, readImageTrainer } from './image/read-image-trainer.ts'
export { searchConfig } from './image/search-config.ts'
export { LayerSecrets, searchLayer } from './image/search-layer.ts'
export { secretFindings } from './image/secret-findings.ts'
