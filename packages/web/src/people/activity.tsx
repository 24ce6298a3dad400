import type { AuditPage, Member } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'

interface ActivityProps {
  audit: AuditPage
  members: readonly Member[]
  /** The organisation's page. */
  path: string
  now: Date
}

/** The audit log of an organisation. */
export function Activity({ audit, members, path, now }: ActivityProps) {
  // Rows from before names were recorded have only ids.
  const nameOf = (id: string, name: string | undefined) =>
    name ?? members.find(({ accountId }) => accountId === id)?.displayName ?? id
  return (
    <section id="activity">
      <h2>{t('Activity')}</h2>
      {audit.rows.length === 0 && <p class="muted">{t('No more entries.')}</p>}
      {audit.rows.length > 0 && (
        <Scroll label={t('Table of activity')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('When')}</th>
                <th scope="col">{t('Who')}</th>
                <th scope="col">{t('Action')}</th>
                <th scope="col">{t('Subject')}</th>
              </tr>
            </thead>
            <tbody>
              {audit.rows.map((row) => (
                <tr>
                  <td>
                    <RelativeTime at={row.at} now={now} />
                  </td>
                  <td>
                    {nameOf(row.actor, row.actorName)}
                    {row.token !== undefined && row.credentials === 'token' && (
                      <span class="sub">
                        {t('token')} {row.token.name ?? row.token.id}
                      </span>
                    )}
                    {row.address !== undefined && <span class="sub">{row.address}</span>}
                  </td>
                  <td>
                    <code>{row.action}</code>
                  </td>
                  <td>
                    {nameOf(row.subject, row.subjectName)}
                    {row.subjectName !== undefined && <span class="sub">{row.subject}</span>}
                    {row.project !== undefined && <span class="sub">{row.project}</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {audit.nextCursor !== undefined && (
        <nav class="paging" aria-label={t('Older activity')}>
          <a href={`${withQuery(path, { cursor: audit.nextCursor })}#activity`}>{t('Older')}</a>
        </nav>
      )}
    </section>
  )
}
