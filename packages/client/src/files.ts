/**
 * What reads folders: publishing a trainer, building its image, and packing a dataset for upload. Needs the file system of Node.js or Bun.
 *
 * ```ts
 * import { publishTrainer } from '@trainyard/client/files'
 *
 * const { version, checkId } = await publishTrainer({ dir: '.', registryUrl: 'http://127.0.0.1:7600', token: 'ty_…' })
 * ```
 *
 * @module
 */

export { BaseImageError, InvalidTrainerError, NoManifestError, PushRefusedError, VersionExistsError } from './errors.ts'
export { listFolder, packFolder } from './folders/dataset-folder.ts'
export type { FolderFile } from './folders/list-files.ts'
export { tarOfFolder } from './folders/tar-of-folder.ts'
export { BlobCache } from './images/blob-cache.ts'
export { type BuildImageOptions, buildImage, type ImageEnvironment } from './images/build-image.ts'
export { type BaseImage, type BuiltImage, IMAGE_PATHS, type ImageConfig, type LayerFile } from './images/image.ts'
export { type BaseContents, inspectBase } from './images/inspect-base.ts'
export { type OpenBaseOptions, openBase } from './images/open-base.ts'
export { type PushImageOptions, pushImage } from './images/push-image.ts'
export { archiveImage, writeLayout } from './images/write-image.ts'
export type { PublishOptions, PublishProgress, PublishResult } from './publish/options.ts'
export { publishTrainer } from './publish/publish-trainer.ts'
export { type ManifestFile, readManifest } from './publish/read-manifest.ts'
