import type { Review } from '@trainyard/contract'
import { FormProblem, Note } from '../components/form.tsx'
import { PeopleLayout } from '../people/people-layout.tsx'
import { t } from '../words/t.ts'
import { ReviewFacts, reviewsPath } from './reviews-page.tsx'
import { Stars } from './stars.tsx'

export interface ReportedPageProps {
  assetUrl: (name: string) => string
  reviews: readonly Review[]
  now: Date
  problem?: string | undefined
  note?: string | undefined
}

/** The reviews that people have reported, for moderators. */
export function ReportedPage({ assetUrl, reviews, now, problem, note }: ReportedPageProps) {
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="pushes"
      title={t('Reported reviews')}
      lead={t('Reviews of trainers that people have reported. Either decision ends the reports of a review.')}
    >
      {note !== undefined && (
        <Note>
          <p>{note}</p>
        </Note>
      )}
      <FormProblem text={problem} />
      {reviews.length === 0 ? (
        <p class="muted">{t('No report is waiting.')}</p>
      ) : (
        <ul class="rows reviews">
          {reviews.map((review) => (
            <ReportedRow review={review} now={now} />
          ))}
        </ul>
      )}
    </PeopleLayout>
  )
}

function ReportedRow({ review, now }: { review: Review; now: Date }) {
  const { id, trainer, rating, text, reports = [] } = review
  const action = `/reviews/${encodeURIComponent(id)}/moderate`
  return (
    <li>
      <div>
        <h2>
          <a href={reviewsPath(trainer)}>{trainer}</a>
        </h2>
        <Stars rating={rating} />
        <ReviewFacts review={review} now={now} />
        <p class="review-text" dir="auto">
          {text}
        </p>
        <h3>{t('Reports')}</h3>
        <ul>
          {reports.map((reason) => (
            <li>
              <bdi>{reason}</bdi>
            </li>
          ))}
        </ul>
        <form class="stacked" method="post" action={action}>
          <input type="hidden" name="decision" value="hide" />
          <div class="field">
            <label for={`note-${id}`}>{t('Why it is hidden, for its author')}</label>
            <input id={`note-${id}`} name="note" type="text" required maxlength={500} autocomplete="off" />
          </div>
          <div>
            <button type="submit" class="danger">
              {t('Hide the review')}
            </button>
          </div>
        </form>
        <form method="post" action={action}>
          <input type="hidden" name="decision" value="show" />
          <button type="submit" class="quiet">
            {t('Keep it visible')}
          </button>
        </form>
      </div>
    </li>
  )
}
