import type { CreatedMemberInvitation, MemberInvitation } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { Copyable } from '../components/copyable.tsx'
import { ConfirmedForm, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatInstant } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

/** The link of an invitation that was just created. Shown once. */
export function InvitationLink({ invitation, url }: { invitation: CreatedMemberInvitation; url: string }) {
  return (
    <Note>
      {invitation.emailed ? (
        <p>
          {t('A mail with this link was sent to {email}. You can also pass the link on yourself.', {
            email: invitation.email,
          })}
        </p>
      ) : (
        <p>{t('Send this link to {email}.', { email: invitation.email })}</p>
      )}
      <p>
        {t(
          'It works once, until {expiresAt}, for an account with this email only, and is not shown again. A person without an account can create one with it.',
          { expiresAt: formatInstant(invitation.expiresAt) },
        )}
      </p>
      <Copyable label={t('Invitation link')} text={url} />
    </Note>
  )
}

interface InvitationsProps {
  invitations: readonly MemberInvitation[]
  /** The organisation's page. */
  path: string
  now: Date
}

/** The invitations that are not used yet. */
export function Invitations({ invitations, path, now }: InvitationsProps) {
  if (invitations.length === 0) return null
  return (
    <>
      <h3>{t('Invited')}</h3>
      <ul class="rows">
        {invitations.map(({ id, email, role, expiresAt }) => (
          <li>
            <div>
              <h4>{email}</h4>
              <ul class="facts">
                <li>{apiWord(role)}</li>
                <li>
                  <Sentence text="expires {when}" when={<RelativeTime at={expiresAt} now={now} />} />
                </li>
              </ul>
            </div>
            <div class="row-actions">
              <ConfirmedForm
                id={`withdraw-${id}`}
                action={`${path}/invitations/${encodeURIComponent(id)}/withdraw`}
                verb={t('Withdraw')}
                subject={email}
                question={t('Withdraw the invitation of {email}?', { email })}
              >
                <p>{t('The link no longer works.')}</p>
              </ConfirmedForm>
            </div>
          </li>
        ))}
      </ul>
    </>
  )
}
