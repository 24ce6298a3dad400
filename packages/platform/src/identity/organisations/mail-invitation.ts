import type { CreatedMemberInvitation } from '@trainyard/contract'
import type { Logger } from '../../log.ts'
import { type MailConfig, sendMail } from '../../mail/send-mail.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import { countAttempt } from '../rate-limits/count-attempt.ts'

const DAY_SECONDS = 86_400
/** Bounds what strangers can be sent: mails a day to one address from all organisations, and from one organisation. */
const MAX_TO_ADDRESS = 5
const MAX_OF_ORGANISATION = 200

export interface MailInvitationOptions {
  identity: IdentityStore
  /** Undefined: the installation sends no mails. */
  mail: MailConfig | undefined
  /** Origin of the web pages. */
  pagesUrl: string
  /** Slug of the organisation. */
  organisation: string
  caller: Caller
  invitation: Omit<CreatedMemberInvitation, 'emailed'>
  logger: Logger
}

/**
 * Sends the link of an invitation to the person who is invited. False when it was not sent: no mail server is configured, it
 * does not accept the mail, or the limit of mails is reached. The invitation is valid without the mail, so nothing is thrown.
 */
export async function mailInvitation(options: MailInvitationOptions): Promise<boolean> {
  const { identity, mail, organisation, invitation, logger } = options
  if (mail === undefined) return false
  try {
    const { db } = identity.database
    const windowSeconds = DAY_SECONDS
    await countAttempt(db, { key: `mail-from:${organisation}`, max: MAX_OF_ORGANISATION, windowSeconds })
    await countAttempt(db, { key: `mail-to:${invitation.email.toLowerCase()}`, max: MAX_TO_ADDRESS, windowSeconds })
    await sendMail(mail, toMail(options))
    return true
  } catch (error) {
    logger.warn({ err: error, invitation: invitation.id }, 'the mail of an invitation was not sent')
    return false
  }
}

/** Has no name that a person chose freely: a stranger could make it an advertisement. */
function toMail({ pagesUrl, organisation, caller, invitation }: MailInvitationOptions) {
  const { email, role, secret, expiresAt } = invitation
  const by = caller.account?.email ?? 'An administrator'
  const link = `${pagesUrl.replace(/\/+$/, '')}/organisations/${encodeURIComponent(organisation)}/join?code=${secret}`
  return {
    to: email,
    subject: `Invitation to the organisation ${organisation}`,
    text: [
      `${by} invites you to the Trainyard organisation "${organisation}". Your role will be ${role}.`,
      `Open this link to join. It works once, until ${expiresAt.slice(0, 10)}, for an account with this email address only:`,
      link,
      'You can create an account after you open the link.',
      'If you did not expect this mail, ignore it. You join only when you open the link and confirm.',
    ].join('\n\n'),
  }
}
