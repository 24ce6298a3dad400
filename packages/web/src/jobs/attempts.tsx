import { type EndReason, isTerminalJobState, type Job, type JobAttempt } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount, formatDuration } from '../format.ts'
import { END_REASON_TEXTS } from './end-reasons.ts'

/** Attempts that the switcher shows. The table below the log has all that were read. */
const SWITCHER_ATTEMPTS = 6

const END_WORDS: Partial<Record<EndReason, string>> = { completed: 'succeeded', cancelled_by_user: 'cancelled' }

/** "succeeded", "out of memory", "running". */
function endOf({ endReason, startedAt }: JobAttempt): string {
  if (endReason === undefined) return startedAt === undefined ? 'waiting' : 'running'
  return END_WORDS[endReason] ?? endReason.replaceAll('_', ' ')
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
    <nav id="job-attempts" class="attempts" aria-label="Attempts">
      <ul>
        {chips.map((one) => (
          <li>
            <a
              class="chip"
              href={attemptPath(job, one.attempt)}
              aria-current={one.attempt === shown ? 'true' : undefined}
            >
              Attempt {one.attempt} <span class="chip-count">{endOf(one)}</span>
            </a>
          </li>
        ))}
        {attempts.length > chips.length && (
          <li>
            <a href="#attempts">All attempts</a>
          </li>
        )}
      </ul>
    </nav>
  )
}

/** Above the page of an earlier attempt: what it is, how it ended, and the way back. */
export function EarlierAttempt({ job, attempt, now }: { job: Job; attempt: JobAttempt; now: Date }) {
  return (
    <section class="note earlier-attempt" aria-label={`Attempt ${attempt.attempt}`}>
      <p>
        This is attempt {attempt.attempt} of {job.attempt}.{' '}
        {attempt.endReason !== undefined && END_REASON_TEXTS[attempt.endReason]}{' '}
        {attempt.finishedAt !== undefined && (
          <>
            It ended <RelativeTime at={attempt.finishedAt} now={now} />.
          </>
        )}{' '}
        Its page does not change. <a href={`/jobs/${job.id}`}>Show the newest attempt</a>
      </p>
      {attempt.error !== undefined && (
        <p class="error-message">
          {attempt.error.errorType !== undefined && <strong>{attempt.error.errorType}: </strong>}
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
      <h2 id="attempts">Attempts</h2>
      <Scroll label="Table of attempts">
        <table>
          <thead>
            <tr>
              <th scope="col">Attempt</th>
              <th scope="col">End</th>
              <th scope="col">Opened</th>
              <th scope="col" class="number">
                Waited
              </th>
              <th scope="col" class="number">
                Ran for
              </th>
              <th scope="col" class="number">
                Log lines
              </th>
            </tr>
          </thead>
          <tbody>
            {attempts.map((one) => (
              <tr>
                <th scope="row">
                  <a
                    href={attemptPath(job, one.attempt)}
                    aria-current={one.attempt === shown ? 'page' : undefined}
                  >{`Attempt ${one.attempt}`}</a>
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
