import type { Review, ReviewList } from '@trainyard/contract'
import { ConfirmedForm, FormProblem, Note, TextArea } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { RatingSummary, Stars } from './stars.tsx'

/** The longest text of a review or a reply, in characters. */
const MAX_TEXT = 4000

/** What was submitted, so that the form keeps it after an error. */
export interface ReviewForm {
  version: string
  rating: string
  text: string
}

export interface ReviewsPageProps {
  assetUrl: (name: string) => string
  /** "namespace/name" */
  trainer: string
  list: ReviewList
  now: Date
  form?: ReviewForm | undefined
  problem?: string | undefined
  /** What was just done. */
  note?: string | undefined
}

export const reviewsPath = (trainer: string) => `/trainers/${trainer}/reviews`

/** The reviews of a trainer by those who ran it, and the form to write one. */
export function ReviewsPage({ assetUrl, trainer, list, now, form, problem, note }: ReviewsPageProps) {
  const title = t('Reviews of {trainer}', { trainer })
  return (
    <Layout assetUrl={assetUrl} title={title} section="trainers">
      <div class="page-head">
        <p class="crumbs">
          <a href="/">{t('Trainers')}</a> <span aria-hidden="true">/</span>{' '}
          <a href={`/trainers/${trainer}`}>{trainer}</a>
        </p>
        <h1>{title}</h1>
        <p class="lead">
          {t('Everyone who reviews a version here has run it: the runner has stated so with its signature.')}
        </p>
      </div>
      {note !== undefined && (
        <Note>
          <p>{note}</p>
        </Note>
      )}
      <FormProblem text={problem} />
      {list.rating !== undefined && <Ratings rating={list.rating} counts={list.counts} />}
      <section aria-labelledby="list">
        <h2 id="list">{t('All reviews')}</h2>
        {list.reviews.length === 0 ? (
          <p class="muted">{t('No one has reviewed this trainer yet.')}</p>
        ) : (
          <ul class="rows reviews">
            {list.reviews.map((review) => (
              <ReviewRow review={review} mayReply={list.mayReply} now={now} />
            ))}
          </ul>
        )}
        {list.nextCursor !== undefined && (
          <p>
            <a href={withQuery(reviewsPath(trainer), { cursor: list.nextCursor })}>{t('Older reviews')}</a>
          </p>
        )}
      </section>
      <OwnReview trainer={trainer} list={list} form={form} />
    </Layout>
  )
}

function Ratings({ rating, counts }: { rating: NonNullable<ReviewList['rating']>; counts: readonly number[] }) {
  return (
    <section aria-labelledby="ratings">
      <h2 id="ratings">{t('Ratings')}</h2>
      <p class="rating">
        <RatingSummary rating={rating} />
      </p>
      <table class="rating-counts">
        <caption class="visually-hidden">{t('Reviews by their number of stars')}</caption>
        <tbody>
          {[5, 4, 3, 2, 1].map((stars) => {
            const count = counts[stars - 1] ?? 0
            return (
              <tr>
                <th scope="row">
                  <Stars rating={stars} />
                </th>
                <td class="bar">
                  <progress value={count} max={rating.count} aria-hidden="true" />
                </td>
                <td class="number">{count}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

/** Facts of a review: who, which version, and how often that person ran it. */
export function ReviewFacts({ review, now }: { review: Review; now: Date }) {
  return (
    <ul class="facts">
      <li>
        <bdi>{review.author}</bdi>
      </li>
      <li>
        {t('ran {version} {times}', {
          version: review.version,
          times: plural(review.runs, 'once', '{count} times'),
        })}
      </li>
      <li>
        <RelativeTime at={review.updatedAt ?? review.createdAt} now={now} />
      </li>
    </ul>
  )
}

function ReviewRow({ review, mayReply, now }: { review: Review; mayReply: boolean; now: Date }) {
  const { id, trainer, rating, text, reply, isOwn, author } = review
  return (
    <li>
      <div>
        <Stars rating={rating} />
        <ReviewFacts review={review} now={now} />
        <p class="review-text" dir="auto">
          {text}
        </p>
        {reply !== undefined && (
          <div class="reply">
            <h3>{t('Reply of {namespace}', { namespace: trainer.slice(0, trainer.indexOf('/')) })}</h3>
            <p class="review-text" dir="auto">
              {reply.text}
            </p>
          </div>
        )}
        {mayReply && (
          <details>
            <summary>{reply === undefined ? t('Reply') : t('Change the reply')}</summary>
            <form class="stacked" method="post" action={`${reviewsPath(trainer)}/${encodeURIComponent(id)}/reply`}>
              <TextArea
                id={`reply-${id}`}
                label={t('Your reply, which everybody sees')}
                name="text"
                value={reply?.text}
                maxlength={MAX_TEXT}
                rows={4}
              />
              <div>
                <button type="submit">{t('Save the reply')}</button>
              </div>
            </form>
          </details>
        )}
        {!isOwn && !mayReply && (
          <details>
            <summary aria-label={t('Report it: the review of {author}', { author })}>{t('Report it')}</summary>
            <form class="stacked" method="post" action={`${reviewsPath(trainer)}/${encodeURIComponent(id)}/report`}>
              <TextArea
                id={`report-${id}`}
                label={t('What is wrong with it, for a moderator')}
                name="reason"
                maxlength={500}
                rows={4}
              />
              <div>
                <button type="submit" class="quiet">
                  {t('Report the review')}
                </button>
              </div>
            </form>
          </details>
        )}
      </div>
    </li>
  )
}

function OwnReview({ trainer, list, form }: { trainer: string; list: ReviewList; form: ReviewForm | undefined }) {
  const { own, reviewable, problem } = list
  if (reviewable.length === 0)
    return (
      <section aria-labelledby="own">
        <h2 id="own">{t('Write a review')}</h2>
        <p class="muted">
          {problem}{' '}
          <Sentence
            text="{link} to be able to."
            link={<a href={withQuery('/jobs/new', { trainer })}>{t('Train with it')}</a>}
          />
        </p>
      </section>
    )
  const version = form?.version ?? own?.version
  const rating = form?.rating ?? String(own?.rating ?? '')
  return (
    <section aria-labelledby="own">
      <h2 id="own">{own === undefined ? t('Write a review') : t('Your review')}</h2>
      {own?.hiddenReason !== undefined && (
        <p class="form-problem">{t('A moderator hid it: {reason}', { reason: own.hiddenReason })}</p>
      )}
      <form class="stacked" method="post" action={`${reviewsPath(trainer)}/own`}>
        <div class="field">
          <label for="version">{t('Version that you ran')}</label>
          <select id="version" name="version">
            {reviewable.map((one) => (
              <option value={one} selected={one === version}>
                {one}
              </option>
            ))}
          </select>
        </div>
        <fieldset>
          <legend>{t('Rating')}</legend>
          <div class="choices">
            {[5, 4, 3, 2, 1].map((stars) => (
              <label>
                <input type="radio" name="rating" value={String(stars)} checked={rating === String(stars)} required />
                <Stars rating={stars} />
              </label>
            ))}
          </div>
        </fieldset>
        <TextArea
          id="review-text"
          label={t('What others should know')}
          name="text"
          value={form?.text ?? own?.text}
          maxlength={MAX_TEXT}
          rows={4}
        />
        <p class="muted">{t('Your name and how often you ran this version are shown beside it.')}</p>
        <div>
          <button type="submit">{own === undefined ? t('Publish the review') : t('Save the review')}</button>
        </div>
      </form>
      {own !== undefined && (
        <ConfirmedForm
          id="delete-review"
          action={`${reviewsPath(trainer)}/own/delete`}
          verb={t('Delete the review')}
          subject={trainer}
          question={t('Delete your review?')}
        >
          <p>{t('The reply to it is deleted as well.')}</p>
        </ConfirmedForm>
      )}
    </section>
  )
}
