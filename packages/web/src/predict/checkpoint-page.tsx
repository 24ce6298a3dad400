import type { Job, Prediction, PredictionList } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { FormProblem } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount } from '../format.ts'
import { jobTitle } from '../jobs/parts.tsx'
import { withQuery } from '../query.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { ShownTry } from './shown-try.tsx'

interface CheckpointPageProps {
  assetUrl: (name: string) => string
  base: string
  job: Job
  checkpoint: { id: string; name: string; epoch?: number | undefined }
  shown: Prediction | undefined
  history: PredictionList
  threshold: number
  problem?: string | undefined
  now: Date
}

/** Send a picture, and see what a checkpoint finds in it. */
export function CheckpointPage(props: CheckpointPageProps) {
  const { assetUrl, base, job, checkpoint, shown, history, threshold, problem, now } = props
  return (
    <Layout
      assetUrl={assetUrl}
      title={t('Try {name} · Job {id}', { name: checkpoint.name, id: job.id })}
      section="jobs"
      scripts={['predict.js']}
    >
      <div class="page-head">
        <p class="crumbs">
          <a href="/predict">{t('Predict')}</a> <span aria-hidden="true">/</span>{' '}
          <a href={`/jobs/${job.id}`}>{t('job {id}', { id: job.id })}</a> <span aria-hidden="true">/</span>{' '}
          <bdi>{checkpoint.name}</bdi>
        </p>
        <h1>{t('Try it on a picture')}</h1>
        <p class="lead">
          <bdi>{checkpoint.name}</bdi>
          {checkpoint.epoch !== undefined && `, ${t('epoch {epoch}', { epoch: checkpoint.epoch })}`}
          {', '}
          <Sentence
            text="of {job}: {taskType} with {displayName} {version}"
            job={<bdi>{jobTitle(job)}</bdi>}
            taskType={apiWord(job.taskType)}
            displayName={<bdi>{job.trainer.displayName}</bdi>}
            version={job.trainer.version}
          />
        </p>
      </div>
      <FormProblem text={problem} />
      <form
        class="form drop"
        id="picture-form"
        method="post"
        action={base}
        enctype="multipart/form-data"
        data-send={`${base}/tries`}
      >
        <div class="field">
          <label for="picture">{t('Picture')}</label>
          <input
            id="picture"
            name="picture"
            type="file"
            accept="image/png,image/jpeg,image/webp"
            required
            aria-describedby="picture-hint"
          />
          <p class="muted" id="picture-hint">
            {t('A PNG, JPEG or WebP of at most 20 MiB and 50 million pixels.')}
            <span class="scripted-only"> {t('Drop it here, paste it, or choose it.')}</span>
          </p>
        </div>
        <button type="submit">{t('Predict')}</button>
        <p id="picture-status" role="status" />
      </form>
      <form class="threshold" method="get" action={base}>
        {shown !== undefined && <input type="hidden" name="try" value={shown.id} />}
        <label for="threshold">{t('Show from a confidence of')}</label>
        <input
          id="threshold"
          name="threshold"
          type="range"
          min="0"
          max="1"
          step="0.01"
          value={String(threshold)}
          aria-describedby="threshold-value"
        />
        <output id="threshold-value" for="threshold">{`${Math.round(threshold * 100)} %`}</output>
        <button type="submit" class="unscripted-only">
          {t('Apply')}
        </button>
      </form>
      {shown === undefined ? (
        <section id="try" hidden />
      ) : (
        <ShownTry base={base} prediction={shown} threshold={threshold} />
      )}
      <History base={base} history={history} now={now} />
    </Layout>
  )
}

function History({ base, history, now }: { base: string; history: PredictionList; now: Date }) {
  if (history.predictions.length === 0) return null
  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">{t('Earlier pictures')}</h2>
      <ul class="tries">
        {history.predictions.map(({ id, picture, state, objects, objectCount, createdAt }) => (
          <li>
            <a href={withQuery(base, { try: id })}>
              <img
                src={`${base}/tries/${encodeURIComponent(id)}/picture`}
                alt=""
                width={120}
                height={90}
                loading="lazy"
                decoding="async"
              />
              <bdi>{picture.name}</bdi>
            </a>
            <span class="muted">
              {state === 'done'
                ? summaryOf(objects ?? [], objectCount)
                : state === 'failed'
                  ? t('failed')
                  : t('waiting')}
              {' ·'} <RelativeTime at={createdAt} now={now} />
            </span>
          </li>
        ))}
      </ul>
      {history.nextCursor !== undefined && (
        <nav class="paging" aria-label={t('Pages')}>
          <a rel="next" href={withQuery(base, { cursor: history.nextCursor })}>
            {t('Next page')}
          </a>
        </nav>
      )}
    </section>
  )
}

function summaryOf(objects: NonNullable<Prediction['objects']>, count = objects.length): string {
  const surest = objects.toSorted((a, b) => b.confidence - a.confidence)[0]
  if (surest === undefined) return t('nothing found')
  const more = count > 1 ? ` ${t('and {count} more', { count: formatCount(count - 1) })}` : ''
  return `${surest.className}${more}`
}
