import { type EndReason, isTerminalJobState, type Job, type JobAttempt } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount, formatDuration } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { END_REASON_TEXTS } from './end-reasons.ts'

/** Attempts that the switcher shows. The table below the log has all that were read. */
const SWITCHER_ATTEMPTS = 6

const END_WORDS: Record<EndReason, string> = {
  completed: 'succeeded',
  cancelled_by_user: 'cancelled',
  superseded: 'superseded',
  training_error: 'training error',
  config_error: 'config error',
  dataset_error: 'dataset error',
  dataset_changed: 'dataset changed',
  validation_error: 'validation error',
  environment_error: 'environment error',
  trainer_unavailable: 'trainer unavailable',
  out_of_memory: 'out of memory',
  storage_limit: 'storage limit',
  deadline: 'deadline',
  heartbeat_lost: 'heartbeat lost',
  queued_too_long: 'queued too long',
  start_timeout: 'start timeout',
  launch_failed: 'launch failed',
  sandbox_failed: 'sandbox failed',
  image_pull_failed: 'image pull failed',
  unschedulable: 'unschedulable',
  node_lost: 'node lost',
  preempted: 'preempted',
  platform_unreachable: 'platform unreachable',
  exited_without_result: 'exited without result',
}

/** "succeeded", "out of memory", "running". */
function endOf({ endReason, startedAt }: JobAttempt): string {
  if (endReason === undefined) return startedAt === undefined ? t('waiting') : t('running')
  return t(END_WORDS[endReason])
}

const attemptPath = (job: Job, attempt: number): string =>
  attempt === job.attempt ? `/jobs/${job.id}` : `/jobs/${job.id}?attempt=${attempt}`

interface AttemptsProps {
  job: Job
  /** Newest first. */
  attempts: readonly JobAttempt[]
  /** The attempt that the page shows. */
  shown: number
}

/** Leads to the curves, the log and the files of each attempt. */
export function AttemptSwitcher({ job, attempts, shown }: AttemptsProps) {
  if (attempts.length < 2) return <div id="job-attempts" hidden />
  const first = attempts.slice(0, SWITCHER_ATTEMPTS)
  const chosen = attempts.find(({ attempt }) => attempt === shown)
  const chips = chosen === undefined || first.includes(chosen) ? first : [...first, chosen]
  return (
    <nav id="job-attempts" class="attempts" aria-label={t('Attempts')}>
      <ul>
        {chips.map((one) => (
          <li>
            <a
              class="chip"
              href={attemptPath(job, one.attempt)}
              aria-current={one.attempt === shown ? 'true' : undefined}
            >
              {t('Attempt {attempt}', { attempt: one.attempt })} <span class="chip-count">{endOf(one)}</span>
            </a>
          </li>
        ))}
        {attempts.length > chips.length && (
          <li>
            <a href="#attempts">{t('All attempts')}</a>
          </li>
        )}
      </ul>
    </nav>
  )
}

/** Above the page of an earlier attempt: what it is, how it ended, and the way back. */
export function EarlierAttempt({ job, attempt, now }: { job: Job; attempt: JobAttempt; now: Date }) {
  return (
    <section class="note earlier-attempt" aria-label={t('Attempt {attempt}', { attempt: attempt.attempt })}>
      <p>
        {t('This is attempt {attempt} of {count}.', { attempt: attempt.attempt, count: job.attempt })}{' '}
        {attempt.endReason !== undefined && t(END_REASON_TEXTS[attempt.endReason])}{' '}
        {attempt.finishedAt !== undefined && (
          <Sentence text="It ended {when}." when={<RelativeTime at={attempt.finishedAt} now={now} />} />
        )}{' '}
        <Sentence
          text="Its page does not change. {link}"
          link={<a href={`/jobs/${job.id}`}>{t('Show the newest attempt')}</a>}
        />
      </p>
      {attempt.error !== undefined && (
        <p class="error-message">
          {attempt.error.errorType !== undefined && (
            <strong>
              {attempt.error.errorType}
              {': '}
            </strong>
          )}
          {attempt.error.message}
        </p>
      )}
    </section>
  )
}

/** Every attempt with its times: how long it waited and how long it ran. */
export function AttemptTable({ job, attempts, shown, now }: AttemptsProps & { now: Date }) {
  if (attempts.length < 2) return null
  return (
    <section aria-labelledby="attempts">
      <h2 id="attempts">{t('Attempts')}</h2>
      <Scroll label={t('Table of attempts')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('Attempt')}</th>
              <th scope="col">{t('End')}</th>
              <th scope="col">{t('Opened')}</th>
              <th scope="col" class="number">
                {t('Waited')}
              </th>
              <th scope="col" class="number">
                {t('Ran for')}
              </th>
              <th scope="col" class="number">
                {t('Log lines')}
              </th>
            </tr>
          </thead>
          <tbody>
            {attempts.map((one) => (
              <tr>
                <th scope="row">
                  <a href={attemptPath(job, one.attempt)} aria-current={one.attempt === shown ? 'page' : undefined}>
                    {t('Attempt {attempt}', { attempt: one.attempt })}
                  </a>
                </th>
                <td>{endOf(one)}</td>
                <td>
                  <RelativeTime at={one.createdAt} now={now} />
                </td>
                <td class="number">{between(one.createdAt, one.startedAt ?? one.finishedAt)}</td>
                <td class="number">
                  {between(
                    one.startedAt,
                    one.finishedAt ?? (isTerminalJobState(job.state) ? undefined : now.toISOString()),
                  )}
                </td>
                <td class="number">{formatCount(one.logLines)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

const between = (from: string | undefined, to: string | undefined): string =>
  from === undefined || to === undefined ? '–' : formatDuration(Math.max(0, Date.parse(to) - Date.parse(from)))
