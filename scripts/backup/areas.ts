import type { Migration } from '@trainyard/platform'
import { identityMigrations } from '../../packages/platform/src/identity/db/migrations/index.ts'
import { registryMigrations } from '../../packages/registry/src/db/migrations/index.ts'
import { runnerMigrations } from '../../packages/runner/src/db/migrations/index.ts'

/** The schemas of the platform with the migrations of this release. */
export const MIGRATIONS: Readonly<Record<string, Readonly<Record<string, Migration>>>> = {
  identity: identityMigrations,
  registry: registryMigrations,
  runner: runnerMigrations,
}

/** Files of the data folder beside database and objects. Without them, addresses that were signed become invalid. */
export const KEPT_FILES = ['storage-secret', 'push-token', 'owner-token'] as const
