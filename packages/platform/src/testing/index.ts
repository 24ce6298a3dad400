/**
 * Helpers for the tests of the servers.
 *
 * @module
 */

export {
  createTestDatabase,
  dropTestSchemas,
  testDatabaseUrl,
} from './create-test-database.ts'
export { type FakeClock, fakeClock } from './fake-clock.ts'
export { type HostileBody, hostileBodies } from './hostile-bodies.ts'
export { makeTar } from './make-tar.ts'
export { makeZip } from './make-zip.ts'
export { type DocumentedRoute, openApiRoutes } from './open-api-routes.ts'
export { IDENTITY_ROUTES, isSufficient, type RouteRule, SCOPES_OF_RED } from './route-rules.ts'
export { findSchemathesis, runSchemathesis } from './run-schemathesis.ts'
