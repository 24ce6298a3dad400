import { type Member, Role } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { ConfirmedForm } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

interface RoleSelectProps {
  id?: string
  selected: Role
  /** Only owners grant and revoke the role owner. */
  withOwner: boolean
  label?: string
}

export function RoleSelect({ id, selected, withOwner, label }: RoleSelectProps) {
  return (
    <select id={id} name="role" aria-label={label}>
      {Role.options
        .filter((option) => withOwner || option !== 'owner')
        .map((option) => (
          <option value={option} selected={option === selected}>
            {apiWord(option)}
          </option>
        ))}
    </select>
  )
}

interface MemberRowProps {
  member: Member
  /** Id of the viewer's account. */
  own: string | undefined
  /** The viewer's role. */
  role: Role
  /** The organisation's page. */
  path: string
  now: Date
}

export function MemberRow({ member, own, role, path, now }: MemberRowProps) {
  const isOwn = member.accountId === own
  const mayChange = role === 'owner' || (role === 'admin' && member.role !== 'owner')
  return (
    <li>
      <div>
        <h3>{member.displayName}</h3>
        <ul class="facts">
          {member.email !== undefined && <li>{member.email}</li>}
          <li>{apiWord(member.role)}</li>
          <li>
            <Sentence text="joined {when}" when={<RelativeTime at={member.since} now={now} />} />
          </li>
        </ul>
      </div>
      <div class="row-actions">
        {/* A member without an email comes from another issuer, which sets the role. */}
        {mayChange && member.email !== undefined && (
          <form class="inline" method="post" action={`${path}/members`}>
            <input type="hidden" name="email" value={member.email} />
            <RoleSelect
              selected={member.role}
              withOwner={role === 'owner'}
              label={t('Role of {displayName}', { displayName: member.displayName })}
            />
            <button
              class="quiet"
              type="submit"
              aria-label={t('Set the role of {displayName}', { displayName: member.displayName })}
            >
              {t('Set')}
            </button>
          </form>
        )}
        {(mayChange || isOwn) && (
          <ConfirmedForm
            id={`remove-${member.accountId}`}
            action={`${path}/members/${encodeURIComponent(member.accountId)}/remove`}
            verb={isOwn ? t('Leave') : t('Remove')}
            subject={member.displayName}
            question={
              isOwn ? t('Leave this organisation?') : t('Remove {displayName}?', { displayName: member.displayName })
            }
          >
            <p>{t('Their jobs and datasets stay in the organisation; they lose access.')}</p>
          </ConfirmedForm>
        )}
      </div>
    </li>
  )
}
