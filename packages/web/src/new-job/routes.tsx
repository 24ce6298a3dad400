import { randomUUID } from 'node:crypto'
import { TrainyardApiError } from '@trainyard/client'
import { type Job, JobId } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { WebContext, WebEnv } from '../context.ts'
import { listSettings } from '../trainers/settings.ts'
import { ChooseTrainerPage } from './choose-trainer-page.tsx'
import { type FormData, loadFormData } from './form-data.ts'
import { type FormRefusal, formRefusal } from './form-issues.ts'
import { FormPage } from './form-page.tsx'
import { addressOf, formOfJob, type JobForm, readForm } from './job-form.ts'
import { controlOf, toText } from './setting-control.ts'
import { toRequest } from './to-request.ts'

const TRAINER = /^[^/\s]+\/[^/\s]+$/
/** A longer address is not sure to pass proxies. */
const MAX_ADDRESS_LENGTH = 6000

/** `/jobs/new`: choose a trainer, fill in the form, start the job. */
export function newJobRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function page(c: Context<WebEnv>, shown: ShownForm) {
    const { form, data, formId = randomUUID(), refusal, from } = shown
    // Kept for "back", with what was typed.
    c.header('Cache-Control', 'private, no-cache')
    const { issues = [], problem, status = 200 } = refusal ?? {}
    const props = { assetUrl: c.get('assetUrl'), form, data, formId, issues, problem, from }
    return c.html(<FormPage {...props} />, status)
  }

  app.get('/', async (c) => {
    const params = new URL(c.req.url).searchParams
    const from = JobId.safeParse(Number(params.get('from') ?? ''))
    if (from.success) {
      const job = await context.client.jobs.get(from.data)
      const form = await fillFrom(context, job)
      return await page(c, { form, data: await loadFormData(context, form), from: job.id })
    }
    const form = readForm(params)
    if (TRAINER.test(form.trainer)) return await page(c, { form, data: await loadFormData(context, form) })
    const { datasets, trainers } = context.client
    const dataset = form.dataset === '' ? undefined : await datasets.get(form.dataset)
    const [q, cursor] = [(params.get('q') ?? '').trim().slice(0, 200), params.get('cursor') ?? undefined]
    const list = await trainers.list({ q: q || undefined, task: dataset?.taskType, cursor, limit: 20 })
    return c.html(
      <ChooseTrainerPage assetUrl={c.get('assetUrl')} q={q} cursor={cursor} dataset={dataset} list={list} />,
    )
  })

  app.post('/', async (c) => {
    const params = new URLSearchParams(await c.req.text())
    const form = readForm(params)
    const formId = params.get('formId') || randomUUID()
    if (!TRAINER.test(form.trainer)) return c.redirect('/jobs/new', 303)
    const data = await loadOrSignIn(context, form)
    if ('signIn' in data) return c.redirect(`/sign-in?to=${encodeURIComponent(data.signIn)}`, 303)
    switch (params.get('show')) {
      case 'preset':
        return await page(c, { form: withPreset(form, data), data, formId })
      case 'version':
        return await page(c, { form, data, formId })
      default: {
        const { request, issues } = toRequest(form, data.settings, formId)
        const checked = issues.length > 0 ? { issues, problem: undefined, status: UNPROCESSABLE } : undefined
        const outcome = checked ?? (await start(context, request))
        if ('job' in outcome) return c.redirect(`/jobs/${outcome.job.id}`, 303)
        return await page(c, { form, data, formId, refusal: outcome })
      }
    }
  })
  return app
}

const UNPROCESSABLE: ContentfulStatusCode = 422

interface ShownForm {
  form: JobForm
  data: FormData
  formId?: string | undefined
  refusal?: FormRefusal | undefined
  /** The job that fills the form. */
  from?: number | undefined
}

type Request = Parameters<WebContext['client']['jobs']['create']>[0]

async function start(context: WebContext, request: Request): Promise<{ job: Job } | FormRefusal> {
  try {
    return { job: await context.client.jobs.create(request) }
  } catch (error) {
    const refusal = formRefusal(error)
    if (refusal === undefined) throw error
    return refusal
  }
}

/** When the session has ended meanwhile, the address at which the form is filled again after signing in. */
async function loadOrSignIn(context: WebContext, form: JobForm): Promise<FormData | { signIn: string }> {
  try {
    return await loadFormData(context, form)
  } catch (error) {
    if (!(error instanceof TrainyardApiError) || error.status !== 401) throw error
    const trainer = await context.client.trainers.get(form.trainer).catch(() => undefined)
    const address = addressOf(form, trainer === undefined ? [] : listSettings(trainer.manifest))
    // The page of problems keeps longer forms.
    if (address.length > MAX_ADDRESS_LENGTH) throw error
    return { signIn: address }
  }
}

/** A trainer whose version is gone still fills what its latest version has. */
async function fillFrom(context: WebContext, job: Job): Promise<JobForm> {
  const { name, version } = job.trainer
  try {
    const { manifest } = await context.client.trainers.version(name, version)
    if (manifest !== undefined) return formOfJob(job, listSettings(manifest))
  } catch (error) {
    if (!(error instanceof TrainyardApiError) || error.status !== 404) throw error
  }
  const { manifest } = await context.client.trainers.get(name)
  return { ...formOfJob(job, listSettings(manifest)), version: '' }
}

/** What the preset sets replaces what was typed; the rest stays. */
function withPreset(form: JobForm, { manifest, settings }: FormData): JobForm {
  const preset = Object.hasOwn(manifest.config.presets, form.preset) ? manifest.config.presets[form.preset] : undefined
  const config = new Map(form.config)
  for (const setting of settings) {
    if (preset !== undefined && Object.hasOwn(preset, setting.name))
      config.set(setting.name, toText(controlOf(setting), preset[setting.name]))
  }
  return { ...form, config }
}
