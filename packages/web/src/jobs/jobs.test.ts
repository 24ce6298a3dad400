import { describe, expect, test } from 'vitest'
import {
  ago,
  artifactFixture,
  exportJob,
  failedJob,
  jobFixture,
  logFixture,
  NOW,
  predictJob,
  resultArtifacts,
  seriesFixture,
  succeededJob,
} from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'
import { scriptJson } from './script-json.ts'
import { pointsFor } from './series.ts'

const HOSTILE = '</script><img src=x onerror=alert(1)>'

async function text(app: ReturnType<typeof createTestWeb>['app'], path: string, init?: RequestInit) {
  const response = await app.request(path, init)
  return { status: response.status, html: await response.text(), headers: response.headers }
}
/** Buttons beside the title. */
const actions = (html: string) =>
  [...(/<div id="job-actions".*?<\/div>/s.exec(html)?.[0] ?? '').matchAll(/<button[^>]*>([^<]*)</g)].map(
    ([, verb]) => verb,
  )
const fromOurPage = {
  method: 'POST',
  headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
}

describe('the list of jobs', () => {
  test('links each job, with its state in words', async () => {
    const { html } = await text(createTestWeb({ jobs: [jobFixture(), failedJob()] }).app, '/jobs')
    expect(html).toContain('<a href="/jobs/42"><bdi>Flowers, quick look</bdi></a>')
    expect(html).toContain('<a href="/jobs/41"><bdi>TensorFlow.js classifier\u00a0· mobilenet-small</bdi></a>')
    expect(html).toMatch(/<\/span>Failed<\/span>/)
  })

  test('can be filtered by state', async () => {
    const { html } = await text(createTestWeb({ jobs: [jobFixture(), failedJob()] }).app, '/jobs?state=failed')
    expect(html).toContain('/jobs/41')
    expect(html).not.toContain('/jobs/42')
  })

  test('explains how to start a job when the list is empty', async () => {
    const { html } = await text(createTestWeb({ jobs: [] }).app, '/jobs')
    expect(html).toContain('http://runner.test/v1/jobs')
  })
})

describe('the page of a job', () => {
  test('is complete without scripts', async () => {
    const { status, html } = await text(createTestWeb().app, '/jobs/42')
    expect(status).toBe(200)
    expect(html).toContain('<progress value="0.4" max="1"')
    expect(html).toContain('train · epoch 8 of 20')
    expect(html).toContain('class="static-chart"')
    for (const { name } of seriesFixture(8)) expect(html).toContain(`data-chart="epoch:${name}"`)
    expect(html.indexOf('<h3><bdi>Primary metric')).toBeLessThan(html.indexOf('<h3><bdi>Other metrics'))
    expect(html).toContain('Could not save plot.png')
    expect(html).toContain('href="/jobs/42/artifacts/art_best"')
    expect(actions(html)).toEqual(['Cancel job'])
  })

  test('never waits for what an ended job will not report', async () => {
    const job = jobFixture({ state: 'cancelled', endReason: 'cancelled_by_user', finishedAt: NOW.toISOString() })
    for (const ended of [
      { ...job, progress: { fraction: 0 } },
      { ...job, startedAt: undefined },
    ]) {
      const { html } = await text(createTestWeb({ jobs: [ended], series: [], logs: [], artifacts: [] }).app, '/jobs/42')
      expect(html).not.toMatch(/appears? here|No metrics yet|No output yet|waiting in the queue/)
      expect(html).toContain('The trainer reported no metrics.')
      expect(html).toContain('The job saved no files.')
    }
  })

  test('shows the best and the last of many checkpoints, and folds the rest', async () => {
    const artifacts = Array.from({ length: 16 }, (_, index) => ({
      ...artifactFixture({ id: `art_${index}`, name: `epoch-${index}.bin`, epoch: index, createdAt: ago(100 - index) }),
      url: 'http://127.0.0.1:1/x',
    }))
    artifacts[4] = { ...artifactFixture({ id: 'art_4', name: 'best.bin', createdAt: ago(96) }), url: '' }
    const { html } = await text(createTestWeb({ artifacts }).app, '/jobs/42')
    const [open = '', folded = ''] = html.split('<details class="more-files">')
    expect([...open.matchAll(/>(best\.bin|epoch-\d+\.bin)</g)].map(([, name]) => name)).toEqual([
      'best.bin',
      'epoch-15.bin',
    ])
    expect(folded).toContain('<summary>14 more checkpoints</summary>')
    expect([...folded.matchAll(/>epoch-\d+\.bin</g)]).toHaveLength(14)
  })

  test('names the project and the queue', async () => {
    const { html } = await text(createTestWeb({ jobs: [predictJob()] }).app, '/jobs/39')
    expect(html).toContain('<dt>Project</dt><dd>botany/flowers</dd>')
    expect(html).toContain('<dt>Queue</dt><dd>gpu<span class="muted">, priority 5</span></dd>')
  })

  test('shows the counts and times of a prediction and links its file', async () => {
    const state = { jobs: [predictJob()], series: [], artifacts: resultArtifacts() }
    const { html } = await text(createTestWeb(state).app, '/jobs/39')
    expect(html).toContain('<dt>images</dt><dd>3,670</dd>')
    expect(html).toContain('<dt>per image</dt><dd>4.1 ms</dd>')
    expect(html).toContain('<dt>in total</dt><dd>15 s</dd>')
    expect(html).toContain('href="/jobs/39/artifacts/art_predictions" download="predictions.json"')
    expect(html).toMatch(/<section [^>]*aria-labelledby="metrics" hidden/)
  })

  test('shows the format and metadata of an export and links its file', async () => {
    const state = { jobs: [exportJob()], series: [], artifacts: resultArtifacts() }
    const { html } = await text(createTestWeb(state).app, '/jobs/38')
    expect(html).toContain('<dt>format</dt><dd>tfjs</dd>')
    expect(html).toContain('<dt>size</dt><dd>10.2 MB</dd>')
    expect(html).toContain('href="/jobs/38/artifacts/art_export" download="model-tfjs.tar"')
    expect(html).toContain('<dt>classes</dt><dd><code>[&quot;daisy&quot;,&quot;rose&quot;]</code></dd>')
  })

  test('reports that a result is pending or missing', async () => {
    const waiting = jobFixture({ operation: 'export' })
    const waitingPage = await text(createTestWeb({ jobs: [waiting] }).app, '/jobs/42')
    expect(waitingPage.html).toContain('The exported model appears here when the job has finished.')
    const failed = { ...failedJob(), operation: 'predict' as const }
    const failedPage = await text(createTestWeb({ jobs: [failed] }).app, '/jobs/41')
    expect(failedPage.html).toContain('The job ended without a result.')
  })

  test('explains why a job failed and offers to restart it', async () => {
    const { html } = await text(createTestWeb({ jobs: [failedJob()] }).app, '/jobs/41')
    expect(html).toContain('The trainer ran out of memory')
    expect(html).toContain('Could not allocate 1.2 GB for a tensor')
    expect(html).toContain('at train (file:///trainer/train.js:88:7)')
    expect(actions(html)).toEqual(['Restart', 'Delete'])
  })

  test('shows the metrics as a table, including values that are not finite', async () => {
    const series = seriesFixture(3)
    series[0]?.points.push({ step: 4, value: 'NaN', time: '2026-11-20T12:00:00Z' })
    const { html } = await text(createTestWeb({ series }).app, '/jobs/42')
    expect(html).toContain('<td class="number">not finite</td>')
    expect(html).toContain('<bdi>learning_rate</bdi></th>')
  })

  test('links to the job in other systems, by web addresses only', async () => {
    const experiments = [
      { backend: 'mlflow', state: 'open' as const, url: 'https://mlflow.test/run/1' },
      { backend: 'clearml', state: 'open' as const, url: 'javascript:alert(1)' },
    ]
    const { html } = await text(createTestWeb({ jobs: [jobFixture({ experiments })] }).app, '/jobs/42')
    expect(html).toContain('<a href="https://mlflow.test/run/1">mlflow</a>')
    expect(html).not.toContain('javascript:')
  })

  test('filters the log by level', async () => {
    const { html } = await text(createTestWeb().app, '/jobs/42?level=warning')
    expect(html).toContain('12 images are not RGB')
    expect(html).not.toContain('backend wasm')
    expect(html).toContain('<option value="warning" selected="">')
  })

  describe('of a log of 5,000 lines', () => {
    const logs = Array.from({ length: 5000 }, (_, index) =>
      logFixture(index + 1, {
        message: `line ${index + 1}.`,
        level: index % 1000 === 499 ? 'error' : 'info',
        time: new Date(Date.UTC(2026, 10, 20, 9, 0, index)).toISOString(),
      }),
    )
    const show = async (query: string) => {
      const { html } = await text(createTestWeb({ logs }).app, `/jobs/42${query}`)
      const shown = [...html.matchAll(/>line (\d+)\./g)].map(([, number]) => Number(number))
      const link = (label: string) =>
        new RegExp(`<a[^>]*href="([^"]*)"[^>]*>${label}</a>`).exec(html)?.[1]?.replaceAll('&amp;', '&')
      return { html, first: shown[0], last: shown.at(-1), count: shown.length, link }
    }

    test('shows the newest lines, and says how many are not shown', async () => {
      const page = await show('')
      expect([page.first, page.last, page.count]).toEqual([4001, 5000, 1000])
      expect(page.html).toContain('4,000 earlier lines are not shown.')
      expect(page.html).toContain('Lines 4,001 to 5,000.')
    })

    test('leads through the whole log, in both directions', async () => {
      const before = await show((await show('')).link('Show earlier lines')?.replace('/jobs/42', '') ?? '')
      expect([before.first, before.last]).toEqual([3001, 4000])
      expect(before.html).toContain('1,000 later lines are not shown.')
      const after = await show(before.link('Show later lines')?.replace('/jobs/42', '') ?? '')
      expect([after.first, after.last]).toEqual([4001, 5000])
    })

    test.each([
      ['a line', '2500', 2500],
      ['a time', '2026-11-20 09:30', 1801],
      ['the start', '0', 1],
    ])('starts at %s', async (_what, at, first) => {
      const page = await show(`?at=${encodeURIComponent(at)}`)
      expect([page.first, page.count]).toEqual([first, 1000])
      expect(page.html).toContain(`${(first - 1).toLocaleString('en')} earlier lines are not shown.`)
      expect(/<p id="log-earlier"[^>]*hidden/.test(page.html)).toBe(first === 1)
    })

    test('explains a position that it does not understand, and shows the newest lines', async () => {
      const page = await show('?at=yesterday')
      expect(page.html).toContain('neither the number of a line nor a time')
      expect(page.last).toBe(5000)
    })

    test('finds lines by text, and by level, in the whole log', async () => {
      const found = await show(`?search=${encodeURIComponent('line 77.')}`)
      expect([found.first, found.count]).toEqual([77, 1])
      const errors = await show('?level=error')
      expect([errors.first, errors.count]).toEqual([500, 5])
    })

    test('serves the lines that a follower missed, and marks the rest', async () => {
      const { app } = createTestWeb({ logs })
      const small = await text(app, '/jobs/42/log-gap?after=10&before=13')
      expect([...small.html.matchAll(/line (\d+)\./g)].map(([, number]) => number)).toEqual(['11', '12'])
      expect(small.html).not.toContain('not shown')
      const large = await text(app, '/jobs/42/log-gap?after=1000&before=4801')
      expect(large.html).toContain('3,300 lines not shown')
      expect(large.html).toContain('data-after="1500" data-before="4801"')
    })
  })

  test('renders all text from trainers as plain text', async () => {
    const { app } = createTestWeb({
      jobs: [
        {
          ...failedJob(),
          name: HOSTILE,
          model: HOSTILE,
          error: { message: HOSTILE, traceback: HOSTILE },
          latestMetrics: { [HOSTILE]: 1 },
          config: { basic: { optimizer: HOSTILE }, advanced: { [HOSTILE]: HOSTILE } },
          progress: { fraction: 0.1, phase: HOSTILE },
        },
      ],
      series: [
        {
          name: `loss${HOSTILE}`,
          axis: 'epoch',
          count: 1,
          points: [{ step: 1, value: 1, time: '2026-11-20T12:00:00Z' }],
        },
      ],
      logs: [logFixture(1, { message: HOSTILE })],
      artifacts: [{ ...artifactFixture({ name: HOSTILE, id: '"><img>' }), url: 'http://127.0.0.1:1/x' }],
    })
    const { html } = await text(app, '/jobs/41')
    expect(html).not.toContain('<img')
    // The page's own data block is the only one that may end a script element, besides the two scripts of the head.
    expect(html.match(/<\/script>/g)).toHaveLength(3)
  })

  test.each(['/jobs/0', '/jobs/abc', '/jobs/1e3', '/jobs/9999999999999999999', '/jobs/43', '/jobs/abc/live'])(
    'answers 404 at %s',
    async (path) => {
      expect((await text(createTestWeb().app, path)).status).toBe(404)
    },
  )

  test('redirects a download to a freshly signed address', async () => {
    const { app } = createTestWeb()
    const response = await app.request('/jobs/42/artifacts/art_best')
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('http://127.0.0.1:1/storage/best?signature=2')
    expect((await app.request('/jobs/42/artifacts/art_none')).status).toBe(404)
  })

  test('redirects downloads to http addresses only', async () => {
    const { app } = createTestWeb({ artifacts: [{ ...artifactFixture(), url: 'javascript:alert(1)' }] })
    expect((await app.request('/jobs/42/artifacts/art_best')).status).toBe(404)
  })
})

describe('the values behind the charts', () => {
  const series = [
    ...seriesFixture(2).slice(0, 1),
    { ...seriesFixture(2)[1], name: '=cmd|"x",a', points: [{ step: 1, value: 'NaN', time: '2026-11-20T12:00:00Z' }] },
  ] as ReturnType<typeof seriesFixture>

  test('are a CSV file, in which a hostile name is neither a formula nor another column', async () => {
    const { html, headers } = await text(createTestWeb({ series }).app, '/jobs/42/metrics.csv')
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(headers.get('content-disposition')).toBe('attachment; filename="job-42-attempt-1.csv"')
    const lines = html.trimEnd().split('\r\n')
    expect(lines[0]).toBe('metric,axis,step,value,time')
    expect(lines[1]).toMatch(/^train_loss,epoch,1,[\d.]+,2026-/)
    expect(lines.at(-1)).toBe(`"'=cmd|""x"",a",epoch,1,NaN,2026-11-20T12:00:00Z`)
  })

  test('have more points of one series for a closer look', async () => {
    const { api, app } = createTestWeb({ series })
    const { html } = await text(app, '/jobs/42/series?name=train_loss')
    expect(JSON.parse(html).points[0]).toEqual([1, expect.any(Number), 20])
    expect(
      api.requests.some((request) => request.includes('name=train_loss') && request.includes('points=20000')),
    ).toBe(true)
    expect((await text(app, '/jobs/42/series')).status).toBe(400)
  })

  test.each(['/jobs/43/metrics.csv', '/jobs/x/metrics.csv', '/jobs/43/series?name=a'])(
    'are not found at %s',
    async (path) => {
      expect((await text(createTestWeb().app, path)).status).toBe(404)
    },
  )

  test('a page of 100 series stays small: fewer points of each', () => {
    expect([1, 20, 50, 100, 1000].map(pointsFor)).toEqual([500, 500, 200, 100, 60])
  })
})

describe('the attempts of a job', () => {
  const job = jobFixture({ attempt: 3 })
  const show = async (query: string) => {
    const { api, app } = createTestWeb({
      jobs: [job],
      logs: [logFixture(1, { message: 'of the first' }), logFixture(2, { attempt: 3, message: 'of the third' })],
      artifacts: [1, 3].map((attempt) => ({
        ...artifactFixture({ id: `art_${attempt}`, name: `of-${attempt}.bin`, attempt }),
        url: 'http://127.0.0.1:1/x',
      })),
    })
    return { api, ...(await text(app, `/jobs/42${query}`)) }
  }

  test('are one click away, with how each ended', async () => {
    const { html } = await show('')
    expect(html).toContain('href="/jobs/42?attempt=1">Attempt 1 <span class="chip-count">out of memory</span>')
    expect(html).toContain('href="/jobs/42" aria-current="true">Attempt 3 <span class="chip-count">running</span>')
  })

  test('have pages with the curves, log, files and error of that attempt only, and nothing that moves', async () => {
    const { api, html } = await show('?attempt=1')
    expect(api.requests.some((request) => request.startsWith('GET /v1/jobs/42/metrics?attempt=1&'))).toBe(true)
    expect(html).toContain('Attempt 1 needed &lt;b&gt;more&lt;/b&gt; memory')
    expect(html).toContain('of the first')
    expect(html).not.toContain('of the third')
    expect(html).toContain('of-1.bin')
    expect(html).not.toContain('of-3.bin')
    expect(html).toContain('"live":false')
    expect(html).toContain('<input type="hidden" name="attempt" value="1"/>')
  })

  test.each(['?attempt=3', '?attempt=4', '?attempt=x', '?attempt=-1', '?attempt=99999999999'])(
    'an address with %s shows the newest one',
    async (query) => {
      const { status, html } = await show(query)
      expect(status).toBe(200)
      expect(html).toContain('"live":true')
      expect(html).toContain('of-3.bin')
    },
  )
})

describe('cancelling, restarting and deleting', () => {
  test('our own form cancels the job and returns to its page', async () => {
    const { api, app } = createTestWeb()
    const { status, headers } = await text(app, '/jobs/42/cancel', fromOurPage)
    expect(status).toBe(303)
    expect(headers.get('location')).toBe('/jobs/42')
    expect(api.jobs[0]?.cancelRequested).toBe(true)
    expect((await text(app, '/jobs/42')).html).toContain('Cancelling')
  })

  test('our own form restarts a job that has ended', async () => {
    const { api, app } = createTestWeb({ jobs: [succeededJob()] })
    expect((await text(app, '/jobs/40/restart', fromOurPage)).status).toBe(303)
    expect(api.requests).toContain('POST /v1/jobs/40/restart')
  })

  test('a restart from the beginning is asked for by a box in the form', async () => {
    const { api, app } = createTestWeb({ jobs: [succeededJob()] })
    await text(app, '/jobs/40/restart', { ...fromOurPage, body: 'fresh=yes' })
    expect(api.bodies.at(-1)).toEqual({ fresh: true })
  })

  test('our own form deletes a job that has ended, and returns to the list', async () => {
    const { api, app } = createTestWeb({ jobs: [succeededJob()] })
    const { status, headers } = await text(app, '/jobs/40/delete', fromOurPage)
    expect([status, headers.get('location')]).toEqual([303, '/jobs?deleted=40'])
    expect(api.jobs).toEqual([])
    expect((await text(app, '/jobs?deleted=40')).html).toContain('Job 40 was deleted.')
    expect((await text(app, `/jobs?deleted=${encodeURIComponent(HOSTILE)}`)).html).not.toContain('was deleted')
  })

  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
    ['a neighbour on the same site', { 'Sec-Fetch-Site': 'same-site', Origin: 'http://evil.localhost' }],
    ['an old browser on another site', { Origin: 'https://evil.example' }],
    ['a client that does not say', {}],
  ])('a form of %s is refused', async (_who, headers) => {
    const { api, app } = createTestWeb()
    const init = { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } }
    const { status, html } = await text(app, '/jobs/42/cancel', init as RequestInit)
    expect(status).toBe(403)
    expect(html).toContain('submitted from another site')
    expect(api.requests).toEqual([])
  })

  test('a refusal of the runner is shown with its message', async () => {
    const { status, html } = await text(createTestWeb({ jobs: [succeededJob()] }).app, '/jobs/40/cancel', fromOurPage)
    expect(status).toBe(409)
    expect(html).toContain('Job 40 has ended already')
  })
})

describe('the live stream', () => {
  test('starts with a snapshot, then sends changes, and ends with the job', async () => {
    const { api, app } = createTestWeb()
    const response = await app.request('/jobs/42/live')
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let received = ''
    const until = async (expected: string) => {
      while (!received.includes(expected)) {
        const chunk = await reader?.read()
        if (chunk === undefined || chunk.done) throw new Error(`The stream ended before "${expected}": ${received}`)
        received += chunk.value
      }
    }
    await until('event: logs')
    expect(received).toContain('event: series')
    expect(received).toContain('Could not save plot.png')
    received = ''

    api.push({
      type: 'metrics',
      points: [{ name: 'train_loss', axis: 'epoch', step: 9, value: 'NaN', time: '2026-11-20T12:00:00Z' }],
    })
    await until('event: points')
    expect(received).toContain('{"points":[{"name":"train_loss","axis":"epoch","point":[9,null,310]}]}')

    api.push({ type: 'artifact', artifact: artifactFixture({ id: 'art_new', name: 'new.bin' }) })
    await until('new.bin')

    const finished = jobFixture({ state: 'succeeded', progress: { fraction: 1 }, finishedAt: '2026-11-20T12:00:00Z' })
    api.push({ type: 'job', job: finished })
    await until('event: end')
    expect(received).toContain('{"state":"succeeded","word":"Succeeded","terminal":true}')
  })
})

test('one stream has the events of several jobs, and ends when the last of them ends', async () => {
  const { api, app } = createTestWeb({ jobs: [jobFixture(), jobFixture({ id: 45 })] })
  const response = await app.request('/jobs/live?ids=42,45,x')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let received = ''
  const until = async (expected: string) => {
    while (!received.includes(expected)) {
      const chunk = await reader?.read()
      if (chunk === undefined || chunk.done) throw new Error(`The stream ended before "${expected}": ${received}`)
      received += chunk.value
    }
  }
  await until('{"jobId":42,"name":"logs"')
  await until('{"jobId":45,"name":"logs"')
  await expect.poll(() => api.followers()).toBe(2)
  for (const id of [42, 45])
    api.push({ type: 'job', job: jobFixture({ id, state: 'succeeded', finishedAt: NOW.toISOString() }) })
  await until('{"jobId":42,"name":"end"')
  await until('{"jobId":45,"name":"end"')
})

test.each(['/jobs/live', '/jobs/live?ids=x', '/jobs/live?ids=0'])(
  'a stream of no job is refused at %s',
  async (path) => {
    expect((await createTestWeb().app.request(path)).status).toBe(400)
  },
)

test('JSON in the page cannot close its script element', () => {
  const json = scriptJson({ text: HOSTILE })
  expect(json).not.toContain('<')
  expect(JSON.parse(json)).toEqual({ text: HOSTILE })
})

test('draws what the processes of a job used, and nothing where it was not measured', async () => {
  const time = (seconds: number) => new Date(Date.UTC(2026, 10, 20, 9, 0, seconds)).toISOString()
  const samples = [0, 5, 10].map((seconds) => ({ time: time(seconds), cpuCores: seconds / 5, memoryBytes: 2.5e9 }))
  const { app } = createTestWeb({ samples })
  const html = await (await app.request(`/jobs/${jobFixture().id}`)).text()
  expect(html).toContain('CPU cores over time, at most 2')
  expect(html).toContain('Memory, GB over time, at most 2.5')
  expect(html).toContain('seconds 10')
  expect(html).toContain('CPU time: 1 min 30 s')
  expect(html).not.toContain('GPU utilisation')
  const without = await (await createTestWeb().app.request(`/jobs/${jobFixture().id}`)).text()
  expect(without).toContain('<div id="job-resources" hidden')
})
