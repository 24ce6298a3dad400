/** Datasets, images and a small callback server for tests. Not published. */
export { removeFolder } from '../cache/stored-entry.ts'
export {
  type CallbackServer,
  problem,
  sendJson,
  sha256,
  startCallbackServer,
  type TestFile,
} from './callback-server.ts'
export { coco, createDir, createFiles, image } from './coco-dataset.ts'
export { plainPng, temporaryFolder } from './dataset-formats.ts'
export { createDice, createEnvironment, createPng, writeFiles } from './test-dataset.ts'
