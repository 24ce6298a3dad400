import type { SignUpRequest, SignUpState } from '@trainyard/contract'
import type { Kysely } from 'kysely'
import { lockUntilEnd } from '../../database/lock-until-end.ts'
import { TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import { hashPassword } from '../accounts/password-hash.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { AuthConfig } from '../config/auth-config.ts'
import { LOCAL_ORGANISATION_ID } from '../db/built-in-ids.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { findInvitation } from '../organisations/find-invitation.ts'
import { requireGoodPassword } from '../passwords/require-good-password.ts'
import { countAttempt } from '../rate-limits/count-attempt.ts'
import { networkOf } from '../rate-limits/network-of.ts'
import { hasOperator, requireSetupSecret } from '../setup/setup-secret.ts'

export interface SignUpOptions {
  auth: AuthConfig
  /** The client's address. */
  address: string
}

/** Who can create an account now. */
export async function signUpState({ database }: IdentityStore, auth: AuthConfig): Promise<SignUpState> {
  const isSetUp = await hasOperator(database.db)
  if (auth.mode === 'local') return { signUp: 'closed', auth: auth.mode }
  if (!isSetUp) return { signUp: 'setup', auth: auth.mode }
  return { signUp: auth.allowSignup ? 'open' : 'closed', auth: auth.mode }
}

/**
 * Creates an account. The first one needs the set-up secret, and becomes the operator and an owner of the organisation
 * `local` with everything that was created before. Later ones need `ALLOW_SIGNUP=true`, or an invitation of an organisation to
 * their email, with which they can join after they sign in. An email that has an account gets the
 * same answer in the same time, and nothing happens.
 *
 * @throws TrainyardError `forbidden`, `invalid_request` when the password is easy to guess, `rate_limited`
 */
export async function signUp(
  identity: IdentityStore,
  request: SignUpRequest,
  { auth, address }: SignUpOptions,
): Promise<void> {
  const { db } = identity.database
  const { email, setupSecret, displayName = email.replace(/@.*$/, '') } = request
  await countAttempt(db, { key: `signup:${networkOf(address)}`, max: 20, windowSeconds: 3600 })
  // Checked here to save the costly hash, and again in the transaction, where it counts.
  const state = await signUpState(identity, auth)
  if (state.signUp === 'closed') await requireInvitation(db, request, auth)
  if (state.signUp === 'setup') await requireSetupSecret(db, setupSecret)
  await requireGoodPassword(request.password, { field: 'password', account: { email, display_name: displayName } })
  const passwordHash = await hashPassword(request.password)
  await identity.database.transaction(async (trx) => {
    // Without the lock, two first sign-ups at the same time would both become the operator.
    await lockUntilEnd(trx, `${identity.schema}:sign-up`)
    const isFirst = !(await hasOperator(trx))
    if (isFirst) await requireSetupSecret(trx, setupSecret)
    const invitation = isFirst || auth.allowSignup ? undefined : await requireInvitation(trx, request, auth)
    const account = await trx
      .insertInto('accounts')
      .values({
        id: newId('acc'),
        email,
        display_name: displayName,
        password_hash: passwordHash,
        operator: isFirst,
        disabled_at: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    if (account === undefined) return
    if (isFirst) {
      await trx.deleteFrom('setup').execute()
      await trx
        .insertInto('memberships')
        .values({ organisation_id: LOCAL_ORGANISATION_ID, account_id: account.id, role: 'owner' })
        .execute()
    }
    await writeAudit(identity, trx, {
      actor: account.id,
      address,
      action: 'account.create',
      subject: account.id,
      subjectName: displayName,
      organisationId: isFirst ? LOCAL_ORGANISATION_ID : undefined,
      data: { operator: isFirst, invitation: invitation?.id },
    })
  })
}

/** @throws TrainyardError `forbidden` */
async function requireInvitation(
  db: Kysely<IdentityDatabase>,
  { email, invitation: secret }: SignUpRequest,
  auth: AuthConfig,
) {
  if (secret === undefined || auth.mode === 'local') throw signUpClosed(auth)
  const invitation = await findInvitation(db, { secret, email })
  if (invitation !== undefined) return invitation
  throw new TrainyardError(
    'forbidden',
    'The invitation is for another email, was used, replaced or withdrawn, or has expired: sign up with the email that was invited, or ask for a new invitation',
  )
}

function signUpClosed({ mode }: AuthConfig): TrainyardError {
  return new TrainyardError(
    'forbidden',
    mode === 'local'
      ? 'This server belongs to the user who started it (AUTH=local): no one can sign up'
      : 'Sign-up is closed here (ALLOW_SIGNUP is not "true"): ask an operator, or an administrator of an organisation, for an invitation',
  )
}
