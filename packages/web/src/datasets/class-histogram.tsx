import type { DatasetClassCounts } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'
import { classColour } from './class-colour.ts'

interface ClassHistogramProps {
  datasetId: string
  counts: DatasetClassCounts
}

/** How many images each class is on. Each row leads to its images. */
export function ClassHistogram({ datasetId, counts }: ClassHistogramProps) {
  const most = Math.max(1, ...counts.classes.map(({ images }) => images))
  const hidden = counts.total - counts.classes.length
  return (
    <section aria-labelledby="classes">
      <h2 id="classes">{t('Classes')}</h2>
      {counts.unused > 0 && (
        <p class="muted">
          {t('{counted} on no image.', {
            counted: plural(counts.unused, '{count} class', '{count} classes'),
          })}
        </p>
      )}
      <Scroll label={t('Images of each class')}>
        <table class="histogram">
          <thead>
            <tr>
              <th scope="col">{t('Class')}</th>
              <th scope="col" class="bar-head">
                {t('Images')}
              </th>
              <th scope="col" class="number">
                {t('Training')}
              </th>
              <th scope="col" class="number">
                {t('Validation')}
              </th>
              <th scope="col" class="number">
                {t('Test')}
              </th>
            </tr>
          </thead>
          <tbody>
            {counts.classes.map((one) => (
              <tr>
                <th scope="row">
                  <a href={`${withQuery(`/datasets/${datasetId}`, { class: String(one.id) })}#images`}>
                    <bdi>{one.name}</bdi>
                  </a>
                </th>
                <td>
                  <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                    <rect width={((one.images / most) * 100).toFixed(2)} height="10" fill={classColour(one)} />
                  </svg>
                  {formatCount(one.images)}
                </td>
                {([one.splits.train, one.splits.val, one.splits.test] as const).map((count) => (
                  <td class="number">{formatCount(count)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {hidden > 0 && (
        <p class="muted">
          {t('The {hidden} classes on the fewest images are not listed.', { hidden: formatCount(hidden) })}
        </p>
      )}
    </section>
  )
}
