/**
 * Python environments of trainers. uv makes one for each set of dependencies, and all jobs share it.
 *
 * ```ts
 * import { EnvironmentStore } from '@trainyard/environments'
 *
 * const store = new EnvironmentStore({ dir: '.trainyard/environments' })
 * const environment = await store.prepare('my-trainer', manifest, { onLine: console.log })
 * console.log(environment?.dir)
 * ```
 *
 * @module
 */

export type { BuildFolders } from './build/build-plan.ts'
export type { BuildRequest, BuildSandbox, OpenBuild } from './build/build-sandbox.ts'
export {
  type ImageTarget,
  type InstallForImageOptions,
  installForImage,
  readForImage,
} from './build/install-for-image.ts'
export { type Dependencies, readDependencies } from './dependencies/read-dependencies.ts'
export {
  EnvironmentStore,
  type EnvironmentStoreOptions,
  type PreparedEnvironment,
  type PrepareOptions,
} from './environment-store.ts'
export { environmentsDir } from './environments-dir.ts'
export { EnvironmentError, type EnvironmentErrorCode } from './errors.ts'
export { findUv, type Uv } from './find-uv.ts'
export { type Indexes, readIndexes } from './indexes.ts'
export { findPythons, type Python } from './python/find-pythons.ts'
export { satisfies } from './python/python-versions.ts'
