import { TrainyardApiError } from '@trainyard/client'
import type { Dataset, Trainer, TrainerManifest } from '@trainyard/contract'
import type { WebContext } from '../context.ts'
import { listSettings, type Setting } from '../trainers/settings.ts'
import type { JobForm } from './job-form.ts'

/** As many as the API lists at once. */
const MAX_DATASETS = 200

/** What the form offers. */
export interface FormData {
  trainer: Trainer
  /** The version whose settings are shown. */
  version: string
  /** Versions that a job can run, newest first. */
  versions: string[]
  manifest: TrainerManifest
  settings: Setting[]
  datasets: Dataset[]
  /** There are more than the list holds. */
  moreDatasets: boolean
}

/** Throws `TrainyardApiError`: 401 without a session, 404 when the trainer or its version does not exist. */
export async function loadFormData(context: WebContext, form: JobForm): Promise<FormData> {
  const { trainers, datasets } = context.client
  const [trainer, list] = await Promise.all([trainers.get(form.trainer), datasets.list({ limit: MAX_DATASETS })])
  const versions = trainer.versions
    .filter(({ state }) => state === 'published' || state === 'deprecated')
    .map(({ version }) => version)
  const version = form.version || trainer.latestVersion
  const manifest =
    version === trainer.latestVersion ? trainer.manifest : (await trainers.version(form.trainer, version)).manifest
  return {
    trainer,
    version,
    versions,
    manifest: manifest ?? trainer.manifest,
    settings: listSettings(manifest ?? trainer.manifest),
    datasets: await withChosen(context, list.datasets, form.dataset),
    moreDatasets: list.nextCursor !== undefined,
  }
}

/** The chosen dataset can be older than those that are listed, or one of its versions. One that does not exist is refused by the API. */
async function withChosen(context: WebContext, datasets: Dataset[], id: string): Promise<Dataset[]> {
  if (id === '' || datasets.some((dataset) => dataset.id === id)) return datasets
  try {
    const dataset = await context.client.datasets.get(id)
    const name = id.includes('@') ? `${dataset.name}@${dataset.version}` : dataset.name
    return [{ ...dataset, id, name }, ...datasets]
  } catch (error) {
    if (error instanceof TrainyardApiError && error.status < 500 && error.status !== 401) return datasets
    throw error
  }
}
