import { type DatasetSource as DatasetSourceRequest, Slug } from '@trainyard/contract'
import { type ObjectStore, TrainyardError } from '@trainyard/platform'
import type { DatasetSource } from '../../db/schema/datasets.ts'
import type { AllowedSource, DatasetContext } from '../context.ts'

/** What lies in the platform's own store, and is nobody's source. */
const OWN_PREFIXES = ['datasets/', 'snapshots/', 'jobs/', 'registry/']

/**
 * `s3://bucket/prefix/` and `store://prefix/`, with commas or spaces between them; `red+blue=s3://bucket/prefix/` is for two
 * organisations alone. Throws a sentence.
 */
export function parseDatasetSources(text: string): AllowedSource[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      // A prefix may hold any sign, but the scheme comes before it.
      const [, owners, place = entry] = /^([^:/]*)=(.*)$/s.exec(entry) ?? []
      const source = parsePlace(place)
      return owners === undefined ? source : { ...source, organisations: parseOrganisations(owners, entry) }
    })
}

function parseOrganisations(owners: string, entry: string): string[] {
  return owners.split('+').map((slug) => {
    if (Slug.safeParse(slug).success) return slug
    throw new Error(`must name organisations before "=", such as red+blue=s3://bucket/prefix/; one is "${entry}"`)
  })
}

function parsePlace(entry: string): AllowedSource {
  const match = /^(s3|store):\/\/(.*)$/.exec(entry)
  if (match === null) throw new Error(`must hold s3://bucket/prefix/ or store://prefix/; one is "${entry}"`)
  const rest = match[2] ?? ''
  if (match[1] === 's3') {
    const [bucket = '', ...parts] = rest.split('/')
    if (bucket === '') throw new Error(`must name a bucket in "${entry}"`)
    return { bucket, prefix: asFolder(parts.join('/')) }
  }
  const prefix = asFolder(rest)
  const own = findOwn(prefix)
  if (own !== undefined) throw new Error(`must not hold "${entry}": the platform keeps its own objects below ${own}`)
  return { prefix }
}

/** The platform's own prefix that a prefix reaches into. */
const findOwn = (prefix: string) => OWN_PREFIXES.find((own) => own.startsWith(prefix) || prefix.startsWith(own))

const asFolder = (prefix: string) => (prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`)

/**
 * The source as it is kept, if the configuration allows it to an organisation. The longest entry that holds the prefix decides;
 * and whoever names a folder must be allowed all entries below it. Throws `forbidden`, and says the same whether others have
 * it or nobody.
 */
export function checkSource(
  context: DatasetContext,
  source: DatasetSourceRequest,
  organisation: string | undefined,
): DatasetSource {
  const prefix = asFolder(source.prefix)
  const entries = (context.config?.datasetSources ?? []).filter(({ bucket }) => bucket === source.bucket)
  const isOpen = (at: string) =>
    entries.some(
      ({ prefix: of, organisations }) =>
        of === at && (organisations === undefined || organisations.includes(organisation ?? '')),
    )
  const prefixes = entries.map((entry) => entry.prefix)
  const holding = prefixes.filter((of) => prefix.startsWith(of)).sort((x, y) => y.length - x.length)[0]
  const isAllowed =
    holding !== undefined && isOpen(holding) && prefixes.filter((of) => of.startsWith(prefix)).every(isOpen)
  // The same bucket by its name: another team's datasets and checkpoints lie there.
  const isOwn = source.bucket !== undefined && source.bucket === context.store.bucket && findOwn(prefix) !== undefined
  if (isAllowed && !isOwn) return { ...(source.bucket === undefined ? {} : { bucket: source.bucket }), prefix }
  const where = source.bucket === undefined ? `store://${prefix}` : `s3://${source.bucket}/${prefix}`
  throw new TrainyardError('forbidden', `${where} is not below a source that DATASET_SOURCES allows`, {
    issues: [{ path: 'source', detail: 'must be below an allowed source', value: where }],
  })
}

/** The store that holds a dataset's images. */
export function storeOf(context: DatasetContext, source: DatasetSource | null): ObjectStore {
  if (source?.bucket === undefined) return context.store
  const { store } = context
  if (store.openBucket === undefined)
    throw new TrainyardError(
      'unprocessable',
      `The bucket "${source.bucket}" cannot be read: the object store here is a folder, which has no buckets`,
    )
  return store.openBucket(source.bucket)
}
