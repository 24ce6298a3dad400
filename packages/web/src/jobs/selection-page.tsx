import { isTerminalJobState, type Job } from '@trainyard/contract'
import { Layout } from '../components/layout.tsx'
import { JobStateStatus } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { t } from '../words/t.ts'
import { jobTitle } from './parts.tsx'

interface SelectionPageProps {
  assetUrl: (name: string) => string
  action: 'cancel' | 'delete'
  jobs: readonly Job[]
  /** What the runner refused when the form was sent. */
  refused?: readonly string[]
  now: Date
}

const TEXTS = {
  cancel: {
    crumb: () => t('cancel'),
    title: (count: number) => plural(count, 'Cancel {count} job?', 'Cancel {count} jobs?'),
    button: (count: number) => plural(count, 'Cancel {count} job', 'Cancel {count} jobs'),
    left: (count: number) =>
      plural(count, '{count} selected job has ended already:', '{count} selected jobs have ended already:'),
    text: 'Their trainers are asked to stop. Saved checkpoints are kept, and the jobs can be restarted.',
  },
  delete: {
    crumb: () => t('delete'),
    title: (count: number) => plural(count, 'Delete {count} job?', 'Delete {count} jobs?'),
    button: (count: number) => plural(count, 'Delete {count} job', 'Delete {count} jobs'),
    left: (count: number) =>
      plural(
        count,
        '{count} selected job has not ended; cancel it first:',
        '{count} selected jobs have not ended; cancel them first:',
      ),
    text: 'Their checkpoints, files, metrics and logs are deleted. This cannot be undone.',
  },
}

/** Names the jobs that an action changes, and those that it does not, before it is done. */
export function SelectionPage({ assetUrl, action, jobs, refused = [], now }: SelectionPageProps) {
  const texts = TEXTS[action]
  const fits = (job: Job) => isTerminalJobState(job.state) === (action === 'delete')
  const chosen = jobs.filter(fits)
  const others = jobs.filter((job) => !fits(job))
  const title = texts.title(chosen.length)
  return (
    <Layout assetUrl={assetUrl} title={title} section="jobs">
      <div class="page-head">
        <p class="crumbs">
          <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> {texts.crumb()}
        </p>
        <h1>{title}</h1>
        {chosen.length > 0 && <p class="lead">{t(texts.text)}</p>}
      </div>
      {refused.length > 0 && (
        <div class="form-problem" role="alert">
          {refused.map((one) => (
            <p>{one}</p>
          ))}
        </div>
      )}
      <JobNames jobs={chosen} now={now} />
      {others.length > 0 && (
        <>
          <p class="muted">{texts.left(others.length)}</p>
          <JobNames jobs={others} now={now} />
        </>
      )}
      <form method="post" action="/jobs/selected" class="actions">
        <input type="hidden" name="action" value={action} />
        {chosen.map((job) => (
          <input type="hidden" name="ids" value={String(job.id)} />
        ))}
        {chosen.length > 0 && (
          <button type="submit" class="danger">
            {texts.button(chosen.length)}
          </button>
        )}
        <a href="/jobs">{t('Back to the list')}</a>
      </form>
    </Layout>
  )
}

function JobNames({ jobs, now }: { jobs: readonly Job[]; now: Date }) {
  return (
    <ul class="rows">
      {jobs.map((job) => (
        <li>
          <a href={`/jobs/${job.id}`}>
            #{job.id} <bdi>{jobTitle(job)}</bdi>
          </a>
          <span>
            <JobStateStatus state={job.state} /> <RelativeTime at={job.createdAt} now={now} />
          </span>
        </li>
      ))}
    </ul>
  )
}
