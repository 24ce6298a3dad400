/**
 * The foundation of Trainyard's servers.
 *
 * ```ts
 * import { createApi, createLogger, listen, notFound } from '@trainyard/platform'
 *
 * const logger = createLogger({ name: 'example' })
 * const api = createApi({ logger })
 * api.get('/things/:id', (c) => { throw notFound('thing', c.req.param('id')) }) // 404 application/problem+json
 * const { url, close } = await listen(api, { port: 0 })
 * ```
 *
 * @module
 */

export { type DecompressOptions, decompress, type Packing, packingOf } from './archive/decompress.ts'
export type { UnpackedFile, UnpackLimits } from './archive/draft-folder.ts'
export { readTar, type TarEntry, type TarEntryType } from './archive/read-tar.ts'
export { unpackArchive } from './archive/unpack-archive.ts'
export { type UnpackTarOptions, unpackTar } from './archive/unpack-tar.ts'
export { type DumpOptions, dumpDatabase, type TableRows } from './backup/dump-database.ts'
export { unlessBackup } from './backup/hold-deletions.ts'
export { type LoadOptions, loadDatabase } from './backup/load-database.ts'
export { SchemaDump } from './backup/schema-dump.ts'
export { parseConfig } from './config.ts'
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './database/embedded/start-embedded-postgres.ts'
export {
  type SupervisedPostgres,
  type SuperviseOptions,
  superviseEmbeddedPostgres,
} from './database/embedded/supervise-embedded-postgres.ts'
export { kindOfFailure } from './database/failures.ts'
export type { ListenChannelOptions } from './database/listener.ts'
export { lockUntilEnd } from './database/lock-until-end.ts'
export { type Database, type Migration, type OpenDatabaseOptions, openDatabase } from './database/open-database.ts'
export {
  ConfigError,
  DatabaseUnavailable,
  DigestMismatch,
  fieldIssues,
  invalidRequest,
  notFound,
  TrainyardError,
  type TrainyardErrorOptions,
} from './errors.ts'
export { AddressList, AddressListVariable } from './http/address-list.ts'
export { type BodyLimits, PEOPLE_BODY } from './http/body-limits.ts'
export { clientAddress } from './http/client-address.ts'
export { type ApiOptions, createApi } from './http/create-api.ts'
export { formatCursor, parseCursor } from './http/cursor.ts'
export { guardConnections } from './http/guard-connections.ts'
export { DEFAULT_HTTP_LIMITS, type HttpLimits, readHttpLimits } from './http/http-limits.ts'
export { type Listening, type ListenOptions, listen, type UpgradeHandler } from './http/listen.ts'
export { mountOpenApi, type OpenApiInfo, openApiDocument } from './http/open-api-document.ts'
export { readOutside, requestOutside } from './http/outside-request.ts'
export { type PictureContentType, pictureSignature } from './http/picture-signature.ts'
export { failureOfDatabase, failureOfDisk, problemResponse, toProblem } from './http/problem-handler.ts'
export { guardLookup, isPublicAddress } from './http/public-address.ts'
export { bodyChunks, hasBody, streamOf } from './http/raw-exchange.ts'
export { bodyTooLarge, findJson, parseJsonText, readBody, readJsonBody, readJsonText } from './http/read-body.ts'
export { requireReadableUrl } from './http/require-readable-url.ts'
export type { Authenticator, RequestHead } from './identity/api/authenticator.ts'
export type { IdentityRoutesOptions } from './identity/api/options.ts'
export type { StoredAuditEntry } from './identity/audit/list-audit.ts'
export type { AuditEntry } from './identity/audit/write-audit.ts'
export { createAuthenticator } from './identity/authentication/create-authenticator.ts'
export { isAddressedToLoopback } from './identity/authentication/request-origin.ts'
export {
  type AuthConfig,
  AuthEnvironment,
  type AuthMode,
  DEFAULT_AUTH,
  requireSafeHost,
  toAuthConfig,
} from './identity/config/auth-config.ts'
export { DEFAULT_PROJECT_ID, LOCAL_ACCOUNT_ID } from './identity/db/built-in-ids.ts'
export { type AdmitOwnerOptions, admitOwner } from './identity/local-owner/admit-owner.ts'
export type { OwnerToken } from './identity/local-owner/owner-token.ts'
export { type Identity, type OpenIdentityOptions, openIdentity } from './identity/open-identity.ts'
export { claimNamespace } from './identity/organisations/claim-namespace.ts'
export {
  type AuditActor,
  actorOf,
  type Caller,
  type CallerMembership,
  type CallerProject,
} from './identity/permissions/caller.ts'
export {
  type ActionTarget,
  can,
  findProject,
  projectsFor,
  requireCan,
  requireScope,
} from './identity/permissions/can.ts'
export { isOperator } from './identity/permissions/require-operator.ts'
export type { Action } from './identity/permissions/roles.ts'
export { type ResetPasswordOptions, resetPasswordCommand } from './identity/reset-password-command.ts'
export { identityRoutes } from './identity/routes.ts'
export { runIdentityCommand } from './identity/run-identity-command.ts'
export { type PrepareSetupOptions, prepareSetup } from './identity/setup/prepare-setup.ts'
export type { IdentityToken } from './identity/tokens/list-tokens.ts'
export { createLogger, hideSecrets, type Logger, type LoggerOptions } from './log.ts'
export { type MetricsConfig, readMetricsConfig, requireMetricsAccess } from './metrics/metrics-access.ts'
export { processMetrics } from './metrics/process-metrics.ts'
export { consumeBody } from './object-store/consume-body.ts'
export { createStore, deriveSecret, readStoreConfig, type StoreConfig } from './object-store/create-store.ts'
export { createFolderStore, type FolderStore, type FolderStoreOptions } from './object-store/folder/folder-store.ts'
export { type ObjectInfo, type ObjectStore, REDIRECT_EXPIRY_SECONDS } from './object-store/object-store.ts'
export { overrideStore } from './object-store/override-store.ts'
export type { S3StoreOptions } from './object-store/s3/s3-client.ts'
export { createS3Store } from './object-store/s3/s3-store.ts'
export { signedFor } from './object-store/signed-for.ts'
export { FILED_VARIABLES, readSecretFiles } from './secret-files.ts'
export { abortable } from './system/abortable.ts'
export { type Clock, systemClock } from './system/clock.ts'
export { createGate } from './system/create-gate.ts'
export { openDataFolder } from './system/data-folder.ts'
export { errorCode } from './system/describe-error.ts'
export { newId } from './system/ids.ts'
export { isMain } from './system/is-main.ts'
export { type FolderLock, type LockFolderOptions, lockFolder } from './system/lock-folder.ts'
export { ownExecArgv, pickEnvironment, programBeside } from './system/own-program.ts'
export { processIdentity } from './system/process-identity.ts'
export { endsWithin, stopInTurn } from './system/stop-in-turn.ts'
export { newTraceId, parseParentId, traceparent } from './system/trace.ts'
export { createJobTokens, type JobTokenClaims, type JobTokens } from './tokens/job-tokens.ts'
export {
  createRegistryTokens,
  type RegistryAccess,
  type RegistryTokenClaims,
  type RegistryTokens,
} from './tokens/registry-tokens.ts'
export { publicKeysOf, signRunStatement, verifyRunStatement } from './tokens/run-statements.ts'
export type { SignedToken } from './tokens/sign-token.ts'
export { loadSigningKeys, type SigningKeys, secretKeys } from './tokens/signing-keys.ts'
