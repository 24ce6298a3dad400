import type { Rating } from '@trainyard/contract'
import { formatMetric, plural } from '../format.ts'
import { t } from '../words/t.ts'

const STARS = [1, 2, 3, 4, 5]

/** One to five stars, as a picture and as words. */
export function Stars({ rating }: { rating: number }) {
  const label = t('{rating} of 5 stars', { rating })
  return (
    <span class="stars" role="img" aria-label={label} title={label}>
      {STARS.map((star) => (star <= rating ? '★' : '☆')).join('')}
    </span>
  )
}

/** The mean of the ratings and how many there are. */
export function RatingSummary({ rating }: { rating: Rating }) {
  const ratings = plural(rating.count, '{count} rating', '{count} ratings')
  return (
    <>
      <Stars rating={Math.round(rating.mean)} /> {formatMetric(rating.mean)} ({ratings})
    </>
  )
}
