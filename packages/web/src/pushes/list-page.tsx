import type { PushList } from '@trainyard/contract'
import { VersionStateStatus } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { PeopleLayout } from '../people/people-layout.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

export interface PushListPageProps {
  assetUrl: (name: string) => string
  list: PushList
  /** How many reviews wait for a decision, if the viewer is a moderator. */
  reviews: number | undefined
  now: Date
}

/** The viewer's pushes, of `docker push` as well as of `trainyard publish`. */
export function PushListPage({ assetUrl, list, reviews, now }: PushListPageProps) {
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="pushes"
      title={t('Pushes')}
      lead={t('What was pushed to your namespaces, and the results of its checks.')}
    >
      {reviews !== undefined && (
        <p>
          <a href="/pushes/reviews">
            {reviews === 0
              ? t('No review is waiting')
              : t('{counted} to decide', { counted: plural(reviews, '{count} review', '{count} reviews') })}
          </a>
        </p>
      )}
      {list.pushes.length === 0 ? (
        <p class="muted">
          <Sentence
            text="Nothing was pushed yet. Publish a trainer with {code} or {code2}."
            code={<code>trainyard publish</code>}
            code2={<code>docker push</code>}
          />
        </p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('Trainer')}</th>
                <th scope="col">{t('State')}</th>
                <th scope="col">{t('Findings')}</th>
                <th scope="col">{t('Pushed')}</th>
              </tr>
            </thead>
            <tbody>
              {list.pushes.map((push) => (
                <tr>
                  <th scope="row">
                    <a href={`/pushes/${encodeURIComponent(push.id)}`}>
                      {push.trainer}:{push.version}
                    </a>
                    <span class="sub">{push.kind}</span>
                  </th>
                  <td>
                    <VersionStateStatus state={push.state} />
                    {push.running !== undefined && <span class="sub">{push.running}</span>}
                    {push.reason !== undefined && (
                      <span class="sub">
                        <bdi>{push.reason}</bdi>
                      </span>
                    )}
                  </td>
                  <td>
                    {push.errors + push.warnings === 0
                      ? '–'
                      : `${plural(push.errors, '{count} error', '{count} errors')}, ${plural(push.warnings, '{count} warning', '{count} warnings')}`}
                  </td>
                  <td>
                    <RelativeTime at={push.createdAt} now={now} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.nextCursor !== undefined && (
        <p>
          <a href={`/pushes?cursor=${encodeURIComponent(list.nextCursor)}`}>{t('Older pushes')}</a>
        </p>
      )}
    </PeopleLayout>
  )
}
