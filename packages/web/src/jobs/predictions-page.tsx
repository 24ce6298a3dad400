import type { Job } from '@trainyard/contract'
import { Layout } from '../components/layout.tsx'
import { withQuery } from '../query.ts'
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
      title={`Predictions · ${jobTitle(job)} · Job ${job.id}`}
      section="jobs"
      scripts={['pictures.js']}
    >
      <div class="page-head">
        <p class="crumbs">
          <a href="/jobs">Jobs</a> <span aria-hidden="true">/</span> <a href={`/jobs/${job.id}`}>{job.id}</a>{' '}
          <span aria-hidden="true">/</span> predictions
        </p>
        <h1>Predictions</h1>
        <p class="lead">
          <bdi>{jobTitle(job)}</bdi>
          {job.attempt > 1 && `, attempt ${attempt}`}
        </p>
      </div>
      {predictions.length === 0 ? (
        <p class="muted">The trainer reported no predictions of single images.</p>
      ) : (
        <PredictionGrid job={job} attempt={attempt} predictions={predictions} />
      )}
      {(cursor !== undefined || nextCursor !== undefined) && (
        <nav class="paging" aria-label="Pages">
          {cursor !== undefined && <a href={withQuery(path, { attempt: String(attempt) })}>First page</a>}
          {nextCursor !== undefined && (
            <a rel="next" href={withQuery(path, { attempt: String(attempt), cursor: nextCursor })}>
              Next page
            </a>
          )}
        </nav>
      )}
    </Layout>
  )
}
