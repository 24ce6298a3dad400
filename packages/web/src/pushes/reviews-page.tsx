import type { Appeal } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { PeopleLayout } from '../people/people-layout.tsx'
import { t } from '../words/t.ts'

export interface ReviewsPageProps {
  assetUrl: (name: string) => string
  appeals: readonly Appeal[]
  now: Date
}

/** The rejected versions whose owners ask for a review, the oldest first. Each is decided on its own page. */
export function ReviewsPage({ assetUrl, appeals, now }: ReviewsPageProps) {
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="pushes"
      title={t('Reviews')}
      lead={t('Rejected versions whose owners ask you to publish them. Read the findings of each before you decide.')}
    >
      {appeals.length === 0 ? (
        <p class="muted">{t('No review is waiting.')}</p>
      ) : (
        <Scroll label={plural(appeals.length, '{count} review', '{count} reviews')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('Trainer')}</th>
                <th scope="col">{t('Why it should be published')}</th>
                <th scope="col">{t('Requested')}</th>
              </tr>
            </thead>
            <tbody>
              {appeals.map((appeal) => (
                <tr>
                  <th scope="row">
                    <a href={`/pushes/${encodeURIComponent(appeal.checkId)}`}>
                      {appeal.trainer}:{appeal.version}
                    </a>
                  </th>
                  <td>{appeal.text}</td>
                  <td>
                    <RelativeTime at={appeal.createdAt} now={now} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </PeopleLayout>
  )
}
