import { type LogLine, LogPage } from '@trainyard/contract'

const LEVELS = ['debug', 'info', 'warning', 'error']

/** A page of a log, as the runner answers it. */
export function fakeLogPage(lines: readonly LogLine[], query: Record<string, string>): LogPage {
  const start = query.line === undefined ? 0 : (lines[Number(query.line) - 1]?.id ?? Number.MAX_SAFE_INTEGER)
  const matching = lines.filter(
    ({ level, message, time, attempt }) =>
      (query.attempt === undefined || attempt === Number(query.attempt)) &&
      LEVELS.indexOf(level) >= LEVELS.indexOf(query.level ?? 'debug') &&
      message.toLowerCase().includes((query.search ?? '').toLowerCase()) &&
      (query.since === undefined || Date.parse(time) >= Date.parse(query.since)),
  )
  const within = matching.filter(
    ({ id }) => id >= start && id > Number(query.after ?? 0) && id < Number(query.before ?? Number.POSITIVE_INFINITY),
  )
  const limit = Number(query.limit ?? 500)
  const page = query.from === 'end' ? within.slice(-limit) : within.slice(0, limit)
  const first = page[0]?.id ?? Number(query.before ?? 0)
  const last = page.at(-1)?.id ?? Number(query.after ?? 0)
  const earlier = matching.filter(({ id }) => id < first).length
  const later = matching.filter(({ id }) => id > last).length
  return LogPage.parse({
    lines: page,
    dropped: 0,
    earlier,
    later,
    previousCursor: earlier > 0 ? String(first) : undefined,
    nextCursor: later > 0 ? String(last) : undefined,
  })
}
