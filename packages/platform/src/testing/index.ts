/**
 * Helpers for the tests of the servers.
 *
 * @module
 */

export { asLocalOwner, asLocalOwnerOfSockets } from './as-local-owner.ts'
export { createEmptyDatabase } from './create-empty-database.ts'
export { createTestBucket, type TestBucket } from './create-test-bucket.ts'
export {
  createTestDatabase,
  dropTestSchemas,
  testDatabaseUrl,
} from './create-test-database.ts'
export { createFailingFiles, type FailingFiles } from './failing-files.ts'
export { type FakeClock, fakeClock } from './fake-clock.ts'
export { type FaultyDatabase, type StatementFault, startFaultyDatabase } from './faulty-database.ts'
export { freezePostgres } from './freeze-postgres.ts'
export { type HostileBody, hostileBodies } from './hostile-bodies.ts'
export { makeTar, type TarEntrySpec } from './make-tar.ts'
export { makeZip } from './make-zip.ts'
export { ODD_RUNS, type OddRequest, oddPair, oddPaths, oddRequests } from './odd-requests.ts'
export { oddJson } from './odd-values.ts'
export { onDemand } from './on-demand.ts'
export { type DocumentedRoute, openApiRoutes } from './open-api-routes.ts'
export { IDENTITY_ROUTES, isSufficient, type RouteRule, SCOPES_OF_RED } from './route-rules.ts'
export { findSchemathesis, runSchemathesis } from './run-schemathesis.ts'
export { valuesOf } from './schema-values.ts'
