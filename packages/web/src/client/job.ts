import type { ChartPoint } from '../jobs/chart-groups.ts'
import type { JobData } from '../jobs/live-events.ts'
import { t } from '../words/t.ts'
import { createCharts } from './charts.ts'
import { find, morph, parseElement } from './dom.ts'
import { followJob } from './live.ts'
import { createLogView } from './logs.ts'

/** Without a connection after this time, the page says that it is not live. */
const NOT_STARTED_MS = 8000

const root = find('charts', HTMLElement)
const note = find('live-note', HTMLElement)
const data = JSON.parse(document.getElementById('job-data')?.textContent ?? '{}') as JobData
const charts =
  root &&
  createCharts(root, {
    runs: [{ label: '', series: data.series }],
    primary: data.primary,
    csvUrl: (name) => `/jobs/${data.jobId}/metrics.csv?${seriesQuery(name)}`,
    async loadMore(name) {
      const response = await fetch(`/jobs/${data.jobId}/series?${seriesQuery(name)}`)
      if (!response.ok) throw new Error(`status ${response.status}`)
      // Sent by our own server, from the same types.
      return ((await response.json()) as { points: ChartPoint[] }).points
    },
  })
const logs = createLogView(data.jobId)

function seriesQuery(name: string): URLSearchParams {
  return new URLSearchParams({ name, attempt: String(data.attempt) })
}

function announce(text: string): void {
  if (note && note.textContent !== text) note.textContent = text
}

/** Pages of predictions and exports show the section once a metric arrives. */
function showMetrics(any: boolean): void {
  const section = find('metrics-section', HTMLElement)
  if (section?.dataset.whenFilled !== undefined) section.hidden = !any
}

if (data.live) {
  let ended = false
  const notLive = () =>
    t(
      'This page is not live yet: the server does not answer, or other tabs hold all connections of this browser. Reload it to see changes.',
    )
  const interrupted = () => t('Live updates are interrupted. Reconnecting …')
  let lastWord: string | undefined
  let lastTerminal: boolean | undefined
  const notStarted = setTimeout(() => {
    announce(notLive())
  }, NOT_STARTED_MS)
  followJob(data.jobId, data.workerUrl, {
    part({ id, html }) {
      const present = document.getElementById(id)
      const next = parseElement(html)
      if (present && next) morph(present, next)
    },
    series({ series, attempt }) {
      data.attempt = attempt
      showMetrics(series.length > 0)
      charts?.replace(series)
    },
    points({ points }) {
      if (points.length > 0) showMetrics(true)
      charts?.add(points)
    },
    logs: ({ html, previousId }) => logs?.add(html, previousId),
    state({ state, word, terminal }) {
      if (lastWord !== undefined && word !== lastWord)
        announce(t('The job is now: {state}.', { state: word.toLowerCase() }))
      lastWord = word
      // A question about another state has no meaning any more.
      if (lastTerminal !== undefined && terminal !== lastTerminal)
        for (const dialog of document.querySelectorAll('dialog')) dialog.close()
      lastTerminal = terminal
      document.title = document.title.replace(
        /^(?:[✓✕■] )?/,
        state === 'succeeded' ? '✓ ' : state === 'failed' ? '✕ ' : '',
      )
    },
    trouble: ({ message }) => announce(message),
    connected(open) {
      clearTimeout(notStarted)
      if (ended) return
      if (open) {
        if ([notLive(), interrupted()].includes(note?.textContent ?? '')) announce('')
      } else announce(interrupted())
    },
    end() {
      ended = true
    },
  })
}
