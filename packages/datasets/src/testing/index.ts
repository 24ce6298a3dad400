/** Datasets, pictures and a small callback server for tests. Not published. */
export { removeFolder } from '../cache/stored-entry.ts'
export { coco, createDir, createFiles, image } from './coco-dataset.ts'
export { plainPng, temporaryFolder } from './dataset-formats.ts'
export { createDice, createEnvironment, createPng, writeFiles } from './test-dataset.ts'
export { problem, sendJson, sha256, startTestPlatform, type TestFile, type TestPlatform } from './test-platform.ts'
