/**
 * Helpers for the tests of the servers.
 *
 * @module
 */

export { createTestDatabase, type TestDatabaseOptions, testDatabaseUrl } from './create-test-database.ts'
export { type FakeClock, fakeClock } from './fake-clock.ts'
