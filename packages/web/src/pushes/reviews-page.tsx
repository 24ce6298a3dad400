import type { Appeal, RescanStatus } from '@trainyard/contract'
import { FormProblem } from '../components/form.tsx'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { PeopleLayout } from '../people/people-layout.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

export interface ReviewsPageProps {
  assetUrl: (name: string) => string
  appeals: readonly Appeal[]
  rescans: RescanStatus
  problem?: string | undefined
  now: Date
}

/** The rejected versions whose owners ask for a review, the oldest first. Each is decided on its own page. */
export function ReviewsPage({ assetUrl, appeals, rescans, now, problem }: ReviewsPageProps) {
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
                  <td>
                    <bdi>{appeal.text}</bdi>
                  </td>
                  <td>
                    <RelativeTime at={appeal.createdAt} now={now} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <p>
        <Sentence
          text="People report reviews of trainers as well: {link}."
          link={<a href="/reviews">{t('reported reviews')}</a>}
        />
      </p>
      <Scanners rescans={rescans} now={now} problem={problem} />
    </PeopleLayout>
  )
}

/** How far published versions were scanned with the databases that the scanners have now. */
function Scanners({ rescans, now, problem }: Pick<ReviewsPageProps, 'rescans' | 'now' | 'problem'>) {
  return (
    <section>
      <h2>{t('Scanners')}</h2>
      <p class="muted">
        {t(
          'Published versions are scanned again when the database of a scanner changes, at most {perHour} in an hour.',
          { perHour: rescans.perHour },
        )}
      </p>
      <FormProblem text={problem} />
      <Scroll label={t('Scanners')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('Check')}</th>
              <th scope="col">{t('Scanner')}</th>
              <th scope="col">{t('Waiting')}</th>
              <th scope="col">{t('Found after publication')}</th>
              <th scope="col">{t('Last scan')}</th>
            </tr>
          </thead>
          <tbody>
            {rescans.scanners.map(({ check, scanner, reason, waiting, found, lastAt }) => (
              <tr>
                <th scope="row">{check}</th>
                <td>
                  {scanner === undefined ? (
                    reason
                  ) : (
                    <>
                      {scanner.name} {scanner.version}
                      {scanner.database !== undefined && (
                        <span class="sub">
                          <RelativeTime at={scanner.database} now={now} />
                        </span>
                      )}
                    </>
                  )}
                </td>
                <td>{waiting}</td>
                <td>{found}</td>
                <td>{lastAt === undefined ? t('never') : <RelativeTime at={lastAt} now={now} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <form method="post" action="/pushes/rescans">
        <button type="submit" class="quiet">
          {t('Scan every published version again')}
        </button>
      </form>
    </section>
  )
}
