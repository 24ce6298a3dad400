/** Servers and trainers for the tests of this repository. Not published. */

export { createBaseLayout } from './base-layout.ts'
export { type OciReceiver, startOciReceiver } from './oci-receiver.ts'
export { startTestRunner, type TestRunner } from './start-test-runner.ts'
export { readBody, sendJson, startTestServer, type TestServer } from './test-server.ts'
export { createTrainerFolder, exampleManifest } from './test-trainer.ts'
