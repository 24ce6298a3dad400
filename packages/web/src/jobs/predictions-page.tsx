import type { Job } from '@trainyard/contract'
import { Layout } from '../components/layout.tsx'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'
import { jobTitle } from './parts.tsx'
import { type ImagePredictions, PredictionGrid } from './predictions.tsx'

interface PredictionsPageProps {
  assetUrl: (name: string) => string
  job: Job
  attempt: number
  predictions: readonly ImagePredictions[]
  cursor: string | undefined
  nextCursor: string | undefined
}

export function PredictionsPage(props: PredictionsPageProps) {
  const { assetUrl, job, attempt, predictions, cursor, nextCursor } = props
  const path = `/jobs/${job.id}/predictions`
  return (
    <Layout
      assetUrl={assetUrl}
      title={t('Predictions · {job} · Job {id}', { job: jobTitle(job), id: job.id })}
      section="jobs"
      scripts={['pictures.js']}
    >
      <div class="page-head">
        <p class="crumbs">
          <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> <a href={`/jobs/${job.id}`}>{job.id}</a>{' '}
          <span aria-hidden="true">/</span> {t('predictions')}
        </p>
        <h1>{t('Predictions')}</h1>
        <p class="lead">
          <bdi>{jobTitle(job)}</bdi>
          {job.attempt > 1 && `, ${t('attempt {attempt}', { attempt })}`}
        </p>
      </div>
      {predictions.length === 0 ? (
        <p class="muted">{t('The trainer reported no predictions of single images.')}</p>
      ) : (
        <PredictionGrid job={job} attempt={attempt} predictions={predictions} />
      )}
      {(cursor !== undefined || nextCursor !== undefined) && (
        <nav class="paging" aria-label={t('Pages')}>
          {cursor !== undefined && <a href={withQuery(path, { attempt: String(attempt) })}>{t('First page')}</a>}
          {nextCursor !== undefined && (
            <a rel="next" href={withQuery(path, { attempt: String(attempt), cursor: nextCursor })}>
              {t('Next page')}
            </a>
          )}
        </nav>
      )}
    </Layout>
  )
}
