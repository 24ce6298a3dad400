import { type Job, LogLevel } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'
import { LogLines } from './parts.tsx'
import type { JobLogs, LogGap, LogQuery } from './read-log-page.ts'

/** The log of a job: a filter, the lines, and what is not shown, with links to it. */
export function LogSection({ job, logs, live }: { job: Job; logs: JobLogs; live: boolean }) {
  const follows = live && logs.isTail
  return (
    <section aria-labelledby="log-title" class="logs" id="logs">
      <div class="logs-head">
        <h2 id="log-title">{t('Log')}</h2>
        {follows && (
          <button type="button" class="quiet" id="log-follow" hidden>
            {t('Pause')}
          </button>
        )}
      </div>
      <LogFilter job={job} query={logs.query} />
      {logs.problem !== undefined && (
        <p class="form-problem" role="alert">
          {logs.problem}
        </p>
      )}
      <LogEarlier job={job} logs={logs} />
      <section class="log" id="log-view" aria-label={t('Log lines')} tabindex={0}>
        <p class="muted log-empty" hidden={logs.lines.length > 0}>
          {emptyText(logs, live)}
        </p>
        <ol
          id="log-lines"
          data-level={logs.query.level}
          data-follows={follows ? '' : undefined}
          data-scroll={logs.isFromStart ? 'start' : 'end'}
        >
          <LogLines lines={logs.lines} />
        </ol>
      </section>
      <LogLater job={job} logs={logs} live={live} />
      <LogDropped count={logs.dropped} />
    </section>
  )
}

function emptyText({ query, earlier, later }: JobLogs, live: boolean): string {
  if (query.search || query.level !== 'debug') return t('No line matches.')
  if (earlier > 0 || later > 0) return t('The log has no lines here.')
  return live ? t('No output yet.') : t('The job wrote no output.')
}

function LogFilter({ job, query }: { job: Job; query: LogQuery }) {
  return (
    <form
      action={`/jobs/${job.id}#logs`}
      method="get"
      class="log-filter"
      id="log-filter"
      data-served-level={query.level}
    >
      {query.attempt !== undefined && <input type="hidden" name="attempt" value={String(query.attempt)} />}
      <label>
        {t('Lowest level')}
        <select id="log-level" name="level">
          {LogLevel.options.map((level) => (
            <option value={level} selected={level === query.level}>
              {apiWord(level)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('Contains')}
        <input type="search" name="search" value={query.search ?? ''} maxlength={500} />
      </label>
      <label>
        {t('From line or time')}
        <input
          type="text"
          name="at"
          value={query.at ?? ''}
          placeholder={t('5000 or 2026-11-20 09:30')}
          maxlength={100}
          autocomplete="off"
        />
      </label>
      <button type="submit" class="quiet">
        {t('Show')}
      </button>
    </form>
  )
}

/** Address of another part of the log, with the same filters. */
const address = (
  job: Job,
  { level, search, attempt }: LogQuery,
  position: Partial<Pick<LogQuery, 'at' | 'after' | 'before'>>,
): string =>
  `${withQuery(`/jobs/${job.id}`, {
    attempt: attempt === undefined ? undefined : String(attempt),
    level: level === 'debug' ? undefined : level,
    search: search || undefined,
    ...position,
  })}#logs`

function LogEarlier({ job, logs }: { job: Job; logs: JobLogs }) {
  const { lines, query, earlier } = logs
  const first = lines[0]
  return (
    <p id="log-earlier" class="muted log-more" data-count={String(earlier)} hidden={earlier === 0}>
      <span>{linesText(earlier, 'earlier')}</span>{' '}
      <a rel="prev" href={address(job, query, first === undefined ? {} : { before: String(first.id) })}>
        {t('Show earlier lines')}
      </a>{' '}
      {'· '}
      <a href={address(job, query, { at: '1' })}>{t('First lines')}</a>
      {logs.firstNumber !== undefined && lines.length > 0 && (
        <span class="log-numbers">
          {' '}
          {t('Lines {firstNumber} to {count}.', {
            firstNumber: formatCount(logs.firstNumber),
            count: formatCount(logs.firstNumber + lines.length - 1),
          })}
        </span>
      )}
    </p>
  )
}

function LogLater({ job, logs, live }: { job: Job; logs: JobLogs; live: boolean }) {
  const { lines, query, later, isTail } = logs
  const last = lines.at(-1)
  if (isTail || (later === 0 && !live)) return null
  return (
    <p class="muted log-more">
      {later > 0 && last !== undefined && (
        <>
          {linesText(later, 'later')}{' '}
          <a rel="next" href={address(job, query, { after: String(last.id) })}>
            {t('Show later lines')}
          </a>{' '}
          ·{' '}
        </>
      )}
      {live && `${t('New lines are not added to this part of the log.')} `}
      <a href={address(job, query, {})}>{t('Newest lines')}</a>
    </p>
  )
}

const linesText = (count: number, which: 'earlier' | 'later'): string =>
  which === 'earlier'
    ? plural(count, '{count} earlier line is not shown.', '{count} earlier lines are not shown.')
    : plural(count, '{count} later line is not shown.', '{count} later lines are not shown.')

/** At the end of the log: what the quota left out. Rendered again when the number changes. */
export function LogDropped({ count }: { count: number }) {
  if (count === 0) return <p id="log-dropped" hidden />
  return (
    <p id="log-dropped" class="log-more log-over-quota">
      {plural(
        count,
        "{count} more line exceeded the job's quota and was not stored.",
        "{count} more lines exceeded the job's quota and were not stored.",
      )}
    </p>
  )
}

/** The lines of a gap, and what remains of it. */
export function LogGapLines({ gap }: { gap: LogGap }) {
  return (
    <>
      <LogLines lines={gap.lines} />
      {gap.remaining > 0 && (
        <li class="log-gap" data-after={String(gap.after)} data-before={String(gap.before)}>
          {plural(gap.remaining, '{count} line not shown', '{count} lines not shown')}{' '}
          <button type="button" class="quiet">
            {t('Load')}
          </button>
        </li>
      )}
    </>
  )
}
