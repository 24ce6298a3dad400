import { isTerminalJobState, type Job, type JobSummary, type LogLine } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { AskFirst } from '../components/form.tsx'
import { JobStateStatus } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatClock, formatDuration, formatInstant, formatMetric, plural } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { END_REASON_TEXTS } from './end-reasons.ts'
import { CANCEL_DIALOG, DELETE_DIALOG, RESTART_DIALOG } from './job-dialogs.tsx'

/* The regions of the job page, each with its own id. The page and the live stream render the same components. */

// A no-break space, so that no line starts with the dot.
export const jobTitle = (job: JobSummary): string => job.name ?? `${job.trainer.displayName}\u00a0· ${job.model}`

export function JobStatus({ job, now }: { job: Job; now: Date }) {
  const ended = isTerminalJobState(job.state)
  return (
    <div id="job-status" class="headline-facts">
      <JobStateStatus state={job.state} />
      {!ended && job.cancelRequested && <span class="status warn">{t('Cancelling …')}</span>}
      {job.attempt > 1 && <span class="muted">{t('attempt {attempt}', { attempt: job.attempt })}</span>}
      {job.finishedAt !== undefined && ended ? (
        <RelativeTime at={job.finishedAt} now={now} />
      ) : (
        <span class="muted">
          <Sentence text="created {when}" when={<RelativeTime at={job.createdAt} now={now} />} />
        </span>
      )}
    </div>
  )
}

export function JobProgress({ job }: { job: Job }) {
  const { fraction, epoch, totalEpochs, step, totalSteps, phase } = job.progress
  const percent = Math.round(fraction * 100)
  const detail = [
    job.state === 'running' || job.state === 'queued' ? phase : undefined,
    epoch === undefined ? undefined : epochText(epoch, totalEpochs),
    step === undefined ? undefined : stepText(step, totalSteps),
  ].filter((part) => part !== undefined)
  return (
    <div id="job-progress" class={`progress ${job.state}`}>
      <div class="progress-text">
        <span id="progress-label">{detail.length > 0 ? detail.join(' · ') : waitingText(job)}</span>
        <strong>
          {percent}
          {' %'}
        </strong>
      </div>
      {/* The native element has the role, the range and the value that assistive technology asks for. */}
      <progress value={fraction} max={1} aria-labelledby="progress-label">
        {percent}
        {' %'}
      </progress>
    </div>
  )
}

const epochText = (epoch: number, total: number | undefined): string =>
  total === undefined ? t('epoch {epoch}', { epoch }) : t('epoch {epoch} of {total}', { epoch, total })

const stepText = (step: number, total: number | undefined): string =>
  total === undefined ? t('step {step}', { step }) : t('step {step} of {total}', { step, total })

function waitingText(job: Job): string {
  if (job.state === 'pending' || job.state === 'queued') return t('waiting in the queue')
  if (job.state === 'running') return t('starting')
  return job.startedAt === undefined ? t('ended before it started') : t('ended without a report of its progress')
}

/** The latest metrics, the primary one first. */
export function JobMetrics({ job }: { job: Job }) {
  const primary = job.primaryMetric.name
  const others = Object.keys(job.latestMetrics).filter((name) => name !== primary)
  const names = others.slice(0, 11)
  const primaryValue = job.latestMetrics[primary]
  return (
    <dl id="job-metrics" class="tiles">
      {primaryValue !== undefined && (
        <div class="tile primary">
          <dt>
            {primary}{' '}
            <span class="muted">
              {job.primaryMetric.goal === 'maximize' ? t('higher is better') : t('lower is better')}
            </span>
          </dt>
          <dd>{formatMetric(primaryValue)}</dd>
        </div>
      )}
      {names.map((name) => (
        <div class="tile">
          <dt>{name}</dt>
          <dd>{formatMetric(job.latestMetrics[name] ?? null)}</dd>
        </div>
      ))}
      {others.length > names.length && (
        <div class="tile">
          <dt>{t('Not shown here')}</dt>
          <dd class="muted">
            {plural(
              others.length - names.length,
              '{count} more metric, in the table',
              '{count} more metrics, in the table',
            )}
          </dd>
        </div>
      )}
    </dl>
  )
}

export function JobProblem({ job }: { job: Job }) {
  const reason = job.endReason === undefined ? undefined : t(END_REASON_TEXTS[job.endReason])
  if (job.error === undefined && (job.state !== 'failed' || reason === undefined))
    return <div id="job-problem" hidden />
  return (
    <section id="job-problem" class="error-box" aria-labelledby="problem-title">
      <h2 id="problem-title">{job.state === 'failed' ? t('Why it failed') : t('What went wrong')}</h2>
      {reason !== undefined && <p>{reason}</p>}
      {job.error !== undefined && (
        <p class="error-message">
          {job.error.errorType !== undefined && (
            <strong>
              {job.error.errorType}
              {': '}
            </strong>
          )}
          {job.error.message}
        </p>
      )}
      {job.error?.traceback !== undefined && (
        <details>
          <summary>{t('Traceback')}</summary>
          {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls; this can scroll and needs focus and a name */}
          <pre tabindex={0} role="group" aria-label={t('Traceback')}>
            {job.error.traceback}
          </pre>
        </details>
      )}
      <p class="muted">
        {job.endReason !== undefined && (
          <>
            <Sentence text="End reason {endReason}" endReason={<code>{job.endReason}</code>} />
            {' · '}
          </>
        )}
        <Sentence text="trace {traceId}" traceId={<code>{job.traceId}</code>} />
      </p>
    </section>
  )
}

export function JobTimings({ job, now }: { job: Job; now: Date }) {
  const ended = isTerminalJobState(job.state)
  return (
    <dl id="job-timings" class="side-facts">
      <Timing name={t('Created')} at={job.createdAt} />
      {job.startedAt !== undefined && (
        <>
          <Timing name={t('Started')} at={job.startedAt} />
          <dt>{t('Waited')}</dt>
          <dd>{formatDuration(Date.parse(job.startedAt) - Date.parse(job.queuedAt ?? job.createdAt))}</dd>
          <dt>{ended ? t('Ran for') : t('Running for')}</dt>
          <dd>
            {ended && job.finishedAt !== undefined ? (
              formatDuration(Date.parse(job.finishedAt) - Date.parse(job.startedAt))
            ) : (
              <span data-since={job.startedAt}>{formatDuration(now.getTime() - Date.parse(job.startedAt))}</span>
            )}
          </dd>
        </>
      )}
      {job.finishedAt !== undefined && <Timing name={t('Finished')} at={job.finishedAt} />}
      {!ended && job.lastHeardAt !== undefined && (
        <>
          <dt>{t('Last heartbeat')}</dt>
          <dd>
            <RelativeTime at={job.lastHeardAt} now={now} />
          </dd>
        </>
      )}
    </dl>
  )
}

function Timing({ name, at }: { name: string; at: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <time datetime={at}>{formatInstant(at)}</time>
      </dd>
    </>
  )
}

/** The actions that the job's state allows. Each opens the dialog that asks first. */
export function JobActions({ job }: { job: Job }) {
  if (isTerminalJobState(job.state)) {
    return (
      <div id="job-actions" class="actions">
        <a class="button" href={`/jobs/new?from=${job.id}`}>
          {t('Run again with changes')}
        </a>
        <AskFirst dialog={RESTART_DIALOG} verb={t('Restart')} look="quiet" />
        <AskFirst dialog={DELETE_DIALOG} verb={t('Delete')} />
      </div>
    )
  }
  return (
    <div id="job-actions" class="actions">
      {!job.cancelRequested && <AskFirst dialog={CANCEL_DIALOG} verb={t('Cancel job')} />}
    </div>
  )
}

export function LogLines({ lines }: { lines: readonly LogLine[] }) {
  return (
    <>
      {lines.map((line) => (
        <li class={`log-line ${line.level}`} data-level={line.level} data-id={String(line.id)}>
          <time datetime={line.time} title={formatInstant(line.time)}>
            {formatClock(line.time)}
          </time>
          <span class="log-level">{apiWord(line.level)}</span>
          <span class="log-message">
            {line.source !== 'journal' && <span class="log-source">{line.source}</span>}
            {line.message}
          </span>
        </li>
      ))}
    </>
  )
}
