import type { Job } from '@trainyard/contract'
import type { Child } from 'hono/jsx'
import { apiWord } from '../components/api-word.ts'
import { Layout } from '../components/layout.tsx'
import { formatBytes, formatInstant, plural } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { artifactPath } from './job-artifacts.tsx'
import type { Lineage } from './lineage.ts'
import { jobTitle } from './parts.tsx'

interface LineagePageProps {
  assetUrl: (name: string) => string
  job: Job
  lineage: Lineage
}

/** The files of a job, and what made them: each step links to its page, and all of it is one JSON document. */
export function LineagePage({ assetUrl, job, lineage }: LineagePageProps) {
  const { trainer, dataset, config, attempts } = lineage
  const settings = [...Object.entries(config.basic), ...Object.entries(config.advanced)]
  return (
    <Layout
      assetUrl={assetUrl}
      title={t('Lineage · {job} · Job {id}', { job: jobTitle(job), id: job.id })}
      section="jobs"
    >
      <div class="page-head with-actions">
        <div>
          <p class="crumbs">
            <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> <a href={`/jobs/${job.id}`}>{job.id}</a>{' '}
            <span aria-hidden="true">/</span> {t('lineage')}
          </p>
          <h1>{t('Lineage')}</h1>
          <p class="lead">
            <bdi>{jobTitle(job)}</bdi>
          </p>
        </div>
        <a class="button" href={`/jobs/${job.id}/lineage.json`} download={`job-${job.id}-lineage.json`}>
          {t('Save as JSON')}
        </a>
      </div>
      <ol class="lineage">
        {attempts.map(({ attempt, files, endReason }) => (
          <Step title={t('Files')}>
            {files.length === 0 ? (
              <p class="muted">{t('No files.')}</p>
            ) : (
              <ul class="artifacts">
                {files.map((file) => (
                  <li>
                    <a href={artifactPath(job, file.id)} download={file.name}>
                      <bdi>{file.name}</bdi>
                    </a>
                    <span class="muted">
                      {file.kind}
                      {file.epoch !== undefined && ` · ${t('epoch {epoch}', { epoch: file.epoch })}`}
                      {' · '}
                      {formatBytes(file.sizeBytes)}
                      {' ·'}{' '}
                      <code title={t('sha256 {sha256}', { sha256: file.sha256 })}>{file.sha256.slice(0, 12)}</code>
                    </span>
                  </li>
                ))}
              </ul>
            )}
            <p>
              <Sentence
                text="made by {link}"
                link={
                  <a href={attempt === job.attempt ? `/jobs/${job.id}` : `/jobs/${job.id}?attempt=${attempt}`}>
                    {t('attempt {attempt}', { attempt })}
                  </a>
                }
              />
              {endReason !== undefined && (
                <span class="muted">
                  {' ('}
                  {endReason.replaceAll('_', ' ')})
                </span>
              )}
            </p>
          </Step>
        ))}
        <Step title={t('Job')}>
          <a href={`/jobs/${job.id}`}>
            #{job.id} <bdi>{jobTitle(job)}</bdi>
          </a>{' '}
          <span class="muted">
            {t('{operation}, {taskType}, model {model}, created {createdAt}', {
              operation: apiWord(job.operation),
              taskType: apiWord(job.taskType),
              model: job.model,
              createdAt: formatInstant(job.createdAt),
            })}
          </span>
        </Step>
        <Step title={t('Trainer')}>
          <a href={`/trainers/${trainer.name}?version=${encodeURIComponent(trainer.version)}`}>
            {trainer.name} {trainer.version}
          </a>{' '}
          <code class="digest">{trainer.digest}</code>
        </Step>
        {dataset !== undefined && (
          <Step title={t('Dataset snapshot')}>
            <bdi>{dataset.name}</bdi>
            {dataset.version !== undefined && `@${dataset.version}`} <code class="digest">{dataset.versionHash}</code>{' '}
            <span class="muted">{t('snapshot {snapshotId}', { snapshotId: dataset.snapshotId })}</span>
          </Step>
        )}
        {lineage.startedFrom !== undefined && (
          <Step title={t('Checkpoint to start from')}>
            <code class="digest">{lineage.startedFrom}</code>
          </Step>
        )}
        <Step title={t('Settings')}>
          <details>
            <summary>{plural(settings.length, '{count} setting', '{count} settings')}</summary>
            <dl class="side-facts">
              {settings.map(([name, value]) => (
                <>
                  <dt>
                    <code>{name}</code>
                  </dt>
                  <dd>
                    <code>{JSON.stringify(value)}</code>
                  </dd>
                </>
              ))}
            </dl>
          </details>
        </Step>
      </ol>
    </Layout>
  )
}

function Step({ title, children }: { title: string; children?: Child }) {
  return (
    <li>
      <h2>{title}</h2>
      <div>{children}</div>
    </li>
  )
}
