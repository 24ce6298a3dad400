import { TASK_TYPE_ALIASES, type TrainerManifest } from '@trainyard/contract'
import { type Kysely, sql, type Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { toleranceOf, variantsOf } from '../search-index/typos.ts'
import { titleWords, wordsOf } from '../search-index/words.ts'
import { popularityOf } from './popularity.ts'

/** Raised when entries are made differently: a registry then makes all of them again when it starts. */
export const INDEXED_AS = 4
const BATCH = 500

export interface IndexedTrainer {
  repositoryId: number
  name: string
  pulls: number
  publishedAt: Date
  latestVersion: string
  manifest: Pick<
    TrainerManifest,
    | 'displayName'
    | 'description'
    | 'framework'
    | 'license'
    | 'keywords'
    | 'taskTypes'
    | 'exportFormats'
    | 'datasetFormats'
  > & { models: readonly { name: string; displayName?: string | undefined }[] }
  tier: string
  isVerified: boolean
  rating: number | undefined
}

type Db = Kysely<RegistryDatabase> | Transaction<RegistryDatabase>

/** Writes the entries of trainers, whose latest version is given. */
export async function writeEntries(db: Db, trainers: readonly IndexedTrainer[]): Promise<void> {
  for (let from = 0; from < trainers.length; from += BATCH) {
    const batch = trainers.slice(from, from + BATCH).map((trainer) => ({ trainer, texts: textsOf(trainer) }))
    const facets = await ensureFacets(
      db,
      batch.map(({ trainer }) => trainer),
    )
    const rows = batch.map(({ trainer, texts }) => ({
      repository_id: trainer.repositoryId,
      facet_id: facets.get(facetKey(trainer)) ?? 0,
      popularity: popularityOf(trainer),
      is_verified: trainer.isVerified,
      indexed_as: INDEXED_AS,
      published_at: trainer.publishedAt,
      name: trainer.name,
      words: [texts.title, texts.tags, texts.description].map((words) => [...new Set(words)].join(' ')).join('\n'),
    }))
    await sql`
      insert into search_entries
        (repository_id, facet_id, popularity, is_verified, indexed_as, published_at, name, words, is_listed)
      select repository_id, facet_id, popularity, is_verified, indexed_as, published_at, name, words, true
      from json_populate_recordset(null::search_entries, ${JSON.stringify(rows)})
      on conflict (repository_id) do update set
        facet_id = excluded.facet_id, popularity = excluded.popularity, is_verified = excluded.is_verified, indexed_as = excluded.indexed_as,
        published_at = excluded.published_at, name = excluded.name, words = excluded.words, is_listed = true,
        changed = excluded.changed
    `.execute(db)
    await learnWords(
      db,
      batch.flatMap(({ texts }) => texts.spoken),
    )
  }
}

function textsOf({ name, latestVersion, manifest }: IndexedTrainer) {
  const aliases = Object.entries(TASK_TYPE_ALIASES).filter(([, task]) => manifest.taskTypes.includes(task))
  const models = manifest.models.map((model) => `${model.name} ${model.displayName ?? ''}`)
  const { keywords, framework, license, taskTypes, exportFormats, datasetFormats } = manifest
  const tags = [
    ...keywords,
    framework,
    license,
    ...taskTypes,
    ...aliases.map(([alias]) => alias.replaceAll('_', ' ')),
    ...exportFormats,
    ...datasetFormats,
    ...models.slice(0, 50),
    latestVersion,
  ]
  return {
    title: titleWords(`${name} ${manifest.displayName}`),
    tags: titleWords(tags.join(' ')),
    description: wordsOf(manifest.description),
    spoken: wordsOf([name, manifest.displayName, ...tags, manifest.description].join(' ')),
  }
}

/** A word that people type, such as `yolov8`. Serial numbers are not corrected. */
const SPOKEN = /^\p{L}[\p{L}\p{M}]{2,}\d{0,3}$/u

interface FacetValues {
  task_types: string[]
  framework: string
  export_formats: string[]
  dataset_formats: string[]
  license: string
  tier: string
}

function facetOf({ manifest, tier }: IndexedTrainer): FacetValues {
  return {
    task_types: [...new Set(manifest.taskTypes)].sort(),
    framework: manifest.framework,
    export_formats: [...new Set(manifest.exportFormats)].sort(),
    dataset_formats: [...new Set(manifest.datasetFormats)].sort(),
    license: manifest.license,
    tier,
  }
}

const keyOfFacet = (facet: FacetValues): string =>
  JSON.stringify([
    facet.task_types,
    facet.framework,
    facet.export_formats,
    facet.dataset_formats,
    facet.license,
    facet.tier,
  ])
const facetKey = (trainer: IndexedTrainer): string => keyOfFacet(facetOf(trainer))

/** The ids of the combinations of filter values, which are added if they are new. */
async function ensureFacets(db: Db, trainers: readonly IndexedTrainer[]): Promise<Map<string, number>> {
  const wanted = new Map(trainers.map((trainer) => [facetKey(trainer), facetOf(trainer)]))
  const values = JSON.stringify([...wanted.values()].sort((a, b) => (keyOfFacet(a) < keyOfFacet(b) ? -1 : 1)))
  const given = sql`json_to_recordset(${values}) as given (
    task_types text[], framework text, export_formats text[], dataset_formats text[], license text, tier text)`
  await sql`
    insert into search_facets (task_types, framework, export_formats, dataset_formats, license, tier)
    select given.* from ${given} on conflict do nothing
  `.execute(db)
  const { rows } = await sql<FacetValues & { id: number }>`
    select facet.* from search_facets facet natural join ${given}
  `.execute(db)
  return new Map(rows.map((row) => [keyOfFacet(row), row.id]))
}

/** Adds words that a mistyped word may mean. */
async function learnWords(db: Db, words: readonly string[]): Promise<void> {
  const rows = [...new Set(words)]
    .filter((word) => SPOKEN.test(word) && toleranceOf(word) > 0)
    // In one order, so that two publications at the same time do not wait for each other.
    .sort()
    .map((word) => ({ word, variants: variantsOf(word) }))
  if (rows.length === 0) return
  await sql`
    insert into search_words
    select given.word, given.variants
    from json_to_recordset(${JSON.stringify(rows)}) as given (word text, variants text[])
    where not exists (select from search_words known where known.word = given.word)
    on conflict do nothing
  `.execute(db)
}
