import type { JobList } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { Layout } from '../components/layout.tsx'
import { SearchForm } from '../components/search-form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { jobTitle } from '../jobs/parts.tsx'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'

interface ChoosePageProps {
  assetUrl: (name: string) => string
  list: JobList
  q: string
  cursor: string | undefined
  now: Date
}

/** Trainings whose checkpoints can be tried. */
export function ChoosePage({ assetUrl, list, q, cursor, now }: ChoosePageProps) {
  return (
    <Layout assetUrl={assetUrl} title={t('Predict')} section="jobs">
      <div class="page-head">
        <h1>{t('Predict a picture')}</h1>
        <p class="lead">{t('Choose the training whose model your picture is sent to.')}</p>
      </div>
      <search>
        <SearchForm action="/predict" label={t('Search trainings')} q={q} placeholder={t('Name, trainer, dataset …')} />
      </search>
      {list.jobs.length === 0 && (
        <p>
          {q === '' ? t('No training that has succeeded yet.') : t('No training that has succeeded matches.')}{' '}
          <a href="/jobs/new">{t('Start one')}</a>
        </p>
      )}
      <ul class="trainers">
        {list.jobs.map((job) => (
          <li class="trainer">
            <h2>
              <a href={`/predict/${job.id}`}>{jobTitle(job)}</a>
            </h2>
            <p class="muted">
              {apiWord(job.taskType)}
              {' · '}
              {job.dataset !== undefined && <bdi>{job.dataset.name}</bdi>}
              {' ·'} <RelativeTime at={job.finishedAt ?? job.createdAt} now={now} />
            </p>
          </li>
        ))}
      </ul>
      {(cursor !== undefined || list.nextCursor !== undefined) && (
        <nav class="paging" aria-label={t('Pages')}>
          {cursor !== undefined && <a href={withQuery('/predict', { q })}>{t('First page')}</a>}
          {list.nextCursor !== undefined && (
            <a rel="next" href={withQuery('/predict', { q, cursor: list.nextCursor })}>
              {t('Next page')}
            </a>
          )}
        </nav>
      )}
    </Layout>
  )
}
