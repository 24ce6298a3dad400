import { describe, expect, test } from 'vitest'
import { datasetFixture, jobFixture, manifest, trainerFixture, versionFixture } from '../testing/fixtures.ts'
import { peopleFixture } from '../testing/people-fixtures.ts'
import { createTestWeb } from '../testing/web.ts'

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
const TRAINER = 'trainyard/tfjs-classifier'
type App = ReturnType<typeof createTestWeb>['app']

async function open(app: App, path: string, cookie?: string) {
  const response = await app.request(path, cookie === undefined ? {} : { headers: { cookie } })
  return { status: response.status, html: await response.text(), to: response.headers.get('location') }
}

async function send(app: App, fields: Record<string, string>, cookie = '') {
  const response = await app.request('/jobs/new', {
    method: 'POST',
    headers: { origin: 'http://localhost', 'content-type': 'application/x-www-form-urlencoded', cookie },
    body: new URLSearchParams({ trainer: TRAINER, version: '1.4.0', formId: 'f1', ...fields }).toString(),
  })
  return { status: response.status, html: await response.text(), to: response.headers.get('location') }
}

const withSchema = (schema: Record<string, unknown>, presets = {}) => {
  const changed = { ...manifest, config: { schema, presets } }
  return { trainers: [trainerFixture({ manifest: changed })], versions: [versionFixture({ manifest: changed })] }
}

describe('starting a job', () => {
  test('begins with the choice of a trainer, for the task of a dataset that is chosen', async () => {
    const { app, api } = createTestWeb()
    const { html } = await open(app, '/jobs/new?q=class&dataset=ds_1')
    expect(html).toContain('href="/jobs/new?trainer=trainyard%2Ftfjs-classifier&amp;dataset=ds_1"')
    expect(api.requests).toContain('GET /v1/trainers?q=class&task=classification&limit=20')
  })

  test('shows a field with default, help and choices for each setting of the trainer', async () => {
    const { html } = await open(createTestWeb().app, `/jobs/new?trainer=${TRAINER}&dataset=ds_1`)
    expect(html).toMatch(/name="config.epochs"[^>]*type="number"[^>]*value="20" min="1" max="1000"/)
    expect(html).toContain('Passes over the training images · whole number · 1 to 1000 · default 20')
    expect(html).toMatch(/<option value="&quot;adam&quot;" selected="">adam<\/option>/)
    expect(html).toMatch(/<option value="true" selected="">Yes<\/option><option value="false">No<\/option>/)
    expect(html).toMatch(/<option value="ds_1" selected="">flowers · 3,670 images · classification/)
    expect(html).toMatch(/<summary>Advanced settings \(1\)<\/summary>[\s\S]*name="config.label_smoothing"/)
  })

  test('sends what differs from the defaults, each value in its type, and leads to the job', async () => {
    const { app, api } = createTestWeb()
    const { status, to } = await send(app, {
      dataset: 'ds_1',
      name: ' Flowers 2 ',
      model: 'tiny-cnn',
      'config.epochs': '7',
      'config.learning_rate': '1e-4',
      'config.optimizer': '"sgd"',
      'config.augment': 'false',
      'config.label_smoothing': '0.1',
      split: 'new',
      train: '70',
      val: '20',
      test: '10',
      stratify: 'yes',
      hours: '2',
    })
    expect([status, to]).toEqual([303, '/jobs/42'])
    expect([...api.created.values()]).toMatchObject([
      {
        trainer: `${TRAINER}@1.4.0`,
        dataset: 'ds_1',
        name: 'Flowers 2',
        model: 'tiny-cnn',
        config: { epochs: 7, learning_rate: 1e-4, optimizer: 'sgd', augment: false },
        split: { ratios: { train: 0.7, val: 0.2, test: 0.1 }, stratify: true },
        deadlineSeconds: 7200,
      },
    ])
    expect([...api.created.values()][0]?.config).not.toHaveProperty('label_smoothing')
  })

  test('sent twice creates one job, and changed in between another', async () => {
    const { app, api } = createTestWeb()
    for (const epochs of ['7', '7', '8']) await send(app, { dataset: 'ds_1', 'config.epochs': epochs })
    expect([...api.created.values()].map(({ config }) => config)).toEqual([{ epochs: 7 }, { epochs: 8 }])
  })

  test('shows what is wrong at its field, and keeps everything that was typed', async () => {
    const { app } = createTestWeb()
    const { status, html } = await send(app, {
      dataset: 'ds_1',
      name: 'My <b>run</b>',
      'config.epochs': '-3',
      'config.learning_rate': 'fast',
      split: 'new',
      train: '60',
      val: '40',
    })
    expect(status).toBe(422)
    expect(html).toContain('The job was not started.')
    expect(html).toContain('<a href="#setting-0">epochs</a> must be at least 1')
    expect(html).toMatch(/id="setting-0-problem">must be at least 1<\/p><input[^>]*aria-invalid="true"[^>]*value="-3"/)
    expect(html).toContain('value="fast"')
    expect(html).toContain('value="My &lt;b&gt;run&lt;/b&gt;"')
    expect(html).toMatch(/<option value="ds_1" selected="">/)
    expect(html).toMatch(/value="new" checked=""/)
  })

  test('names shares that are not 100 per cent at their fields', async () => {
    const { status, html } = await send(createTestWeb().app, { dataset: 'ds_1', split: 'new', train: '60', val: '10' })
    expect(status).toBe(422)
    expect(html).toContain('<a href="#job-train">Training</a> must add up to 100 %')
  })

  test('text that is no number and JSON that is broken are refused before anything is sent', async () => {
    const { app, api } = createTestWeb(withSchema({ properties: { sizes: { type: 'array', default: [1] } } }))
    const { status, html } = await send(app, { dataset: 'ds_1', 'config.sizes': '[1,', priority: 'high', other: '3' })
    expect(status).toBe(422)
    expect(html).toContain('>sizes</a> must be JSON')
    expect(html).toContain('>priority</a> must be a number')
    expect(html).toContain('>Other settings</a> must be a JSON object')
    expect(html).toContain('>[1,</textarea>')
    expect(api.created.size).toBe(0)
  })

  test('a preset fills in its settings and keeps the others', async () => {
    const { app, api } = createTestWeb()
    const { status, html } = await send(app, { show: 'preset', preset: 'careful', 'config.optimizer': '"sgd"' })
    expect(status).toBe(200)
    expect(html).toMatch(/name="config.epochs"[^>]*value="100"/)
    expect(html).toMatch(/name="config.learning_rate"[^>]*value="0.0003"/)
    expect(html).toContain('<option value="&quot;sgd&quot;" selected="">')
    expect(api.created.size).toBe(0)
  })

  test('another version shows its own settings, with what was typed', async () => {
    const old = versionFixture({
      version: '1.3.2',
      manifest: { ...manifest, config: { schema: { properties: { momentum: { type: 'number', default: 0.9 } } } } },
    })
    const { app } = createTestWeb({ versions: [versionFixture(), old] })
    const { html } = await send(app, { show: 'version', version: '1.3.2', name: 'kept', dataset: 'ds_1' })
    expect(html).toContain('name="config.momentum"')
    expect(html).not.toContain('name="config.epochs"')
    expect(html).toContain('value="kept"')
    expect(html).toMatch(/<option value="1.3.2" selected="">/)
    // Neither a version that is being checked nor one that was yanked can be run.
    expect(html).not.toMatch(/<option value="1\.(5\.0-rc\.1|3\.1)"/)
  })

  test('an earlier job fills everything', async () => {
    const split = { ratios: { train: 0.5, val: 0.25, test: 0.25 }, seed: 'x', keep: true }
    const job = jobFixture({ split, priority: 3, deadlineSeconds: 5400, checkpoint: 'art_1', model: 'tiny-cnn' })
    const { html } = await open(createTestWeb({ jobs: [job] }).app, '/jobs/new?from=42')
    expect(html).toContain('Run job 42 again')
    expect(html).toMatch(/<option value="ds_1" selected="">/)
    expect(html).toMatch(/<option value="tiny-cnn" selected="">/)
    expect(html).toMatch(/name="config.learning_rate"[^>]*value="0.001"/)
    expect(html).toMatch(/value="fill" checked=""/)
    for (const [name, value] of Object.entries({
      train: 50,
      val: 25,
      seed: 'x',
      priority: 3,
      hours: 1.5,
      checkpoint: 'art_1',
    }))
      expect(html).toMatch(new RegExp(`name="${name}"[^>]*value="${value}"`))
    expect(html).toContain('value="Flowers, quick look"')
  })

  test('the page of a job that has ended leads to the form', async () => {
    const { html } = await open(createTestWeb({ jobs: [jobFixture({ state: 'succeeded' })] }).app, '/jobs/42')
    expect(html).toMatch(/href="\/jobs\/new\?from=42">\s*Run again with changes/)
  })

  test('settings without a field stay, as JSON', async () => {
    const job = jobFixture({ config: { basic: { epochs: 3 }, advanced: { odd: [1, { a: 2 }] } } })
    const { html } = await open(createTestWeb({ jobs: [job] }).app, '/jobs/new?from=42')
    expect(html).toContain('{&quot;odd&quot;:[1,{&quot;a&quot;:2}]}</textarea>')
  })

  test('a session that ended leads to the sign-in page and back to the form as it was typed', async () => {
    const { app, api } = createTestWeb(peopleFixture())
    const typed = { dataset: 'ds_1', name: 'Late', 'config.epochs': '7', 'config.optimizer': '"adam"' }
    const { status, to } = await send(app, typed, 'trainyard_session=gone')
    expect(status).toBe(303)
    const back = new URL(to ?? '', 'http://localhost')
    expect(back.pathname).toBe('/sign-in')
    const address = back.searchParams.get('to') ?? ''
    expect(address).not.toContain('optimizer')
    const { html } = await open(app, address, 'trainyard_session=session-ada@red.test')
    expect(html).toMatch(/name="config.epochs"[^>]*value="7"/)
    expect(html).toContain('value="Late"')
    expect(html).toMatch(/<option value="ds_1" selected="">/)
    expect(api.created.size).toBe(0)
  })

  test('datasets of another task cannot be chosen', async () => {
    const datasets = [datasetFixture(), datasetFixture({ id: 'ds_2', name: 'cars', taskType: 'detection' })]
    const { html } = await open(createTestWeb({ datasets }).app, `/jobs/new?trainer=${TRAINER}`)
    expect(html).toMatch(/<optgroup label="Of another task"><option value="ds_2" disabled="">/)
  })

  test('names and settings of a hostile trainer stay text', async () => {
    const properties = {
      [HOSTILE]: { type: 'string', title: HOSTILE, description: HOSTILE, default: HOSTILE, 'x-group': HOSTILE },
      __proto__x: { enum: [HOSTILE, { a: HOSTILE }] },
    }
    const state = withSchema({ properties }, { [HOSTILE]: {} })
    const { app, api } = createTestWeb({ ...state, datasets: [datasetFixture({ name: HOSTILE })] })
    const { status, html } = await open(app, `/jobs/new?trainer=${TRAINER}&name=${encodeURIComponent(HOSTILE)}`)
    expect(status).toBe(200)
    expect(html).not.toContain('<img')
    expect(html).not.toContain('<script>')
    await send(app, {
      dataset: 'ds_1',
      [`config.${HOSTILE}`]: 'x',
      'config.__proto__x': JSON.stringify({ a: HOSTILE }),
    })
    expect([...api.created.values()][0]?.config).toEqual({ [HOSTILE]: 'x', __proto__x: { a: HOSTILE } })
  })

  test('of a trainer with thousands of settings shows the first, and long lists of choices are typed', async () => {
    const properties = Object.fromEntries([
      ['many', { enum: Array.from({ length: 100_000 }, (_, index) => `c${index}`) }],
      ...Array.from({ length: 2000 }, (_, index) => [`s${index}`, { type: 'integer', default: index }]),
    ])
    const { html } = await open(createTestWeb(withSchema({ properties })).app, `/jobs/new?trainer=${TRAINER}`)
    expect(html.length).toBeLessThan(300_000)
    expect(html).not.toContain('<option value="&quot;c0&quot;"')
  })
})

describe('the page of a trainer', () => {
  test('leads to the form for the version that is shown', async () => {
    const { html } = await open(createTestWeb().app, `/trainers/${TRAINER}`)
    expect(html).toContain('href="/jobs/new?trainer=trainyard%2Ftfjs-classifier&amp;version=1.4.0"')
  })

  test.each(['rejected', 'checking', 'yanked', 'received'] as const)(
    'does not for a version that is %s',
    async (state) => {
      const { app } = createTestWeb({ versions: [versionFixture({ state })] })
      expect((await open(app, `/trainers/${TRAINER}?version=1.4.0`)).html).not.toContain('/jobs/new')
    },
  )
})
