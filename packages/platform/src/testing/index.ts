/**
 * Helpers for the tests of the servers.
 *
 * @module
 */

export { objectStoreCases, type StoreUnderTest } from '../object-store/object-store.cases.ts'
export {
  createTestDatabase,
  dropTestSchemas,
  type TestDatabaseOptions,
  testDatabaseUrl,
} from './create-test-database.ts'
export { type FakeClock, fakeClock } from './fake-clock.ts'
export { makeTar, type TarEntry } from './make-tar.ts'
export { makeZip, type ZipEntry } from './make-zip.ts'
export { type DocumentedRoute, openApiRoutes } from './open-api-routes.ts'
export { findSchemathesis, runSchemathesis, type SchemathesisOptions } from './run-schemathesis.ts'
