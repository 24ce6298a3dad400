/**
 * Finds secrets in the bytes of one file, as the validator does in a trainer's folder.
 *
 * ```ts
 * import { findSecrets } from '@trainyard/validator/secrets'
 *
 * const search = await findSecrets('app/.env', Buffer.from('…'))
 * if (search.state === 'searched') console.log(search.secrets)
 * ```
 *
 * @module
 */

export { type FoundSecret, findSecrets, type SecretSearch } from './secrets/find-secrets.ts'
export { isNameOfSecret } from './secrets/name-of-secret.ts'
