import {
  type Dataset,
  type DatasetClassCounts,
  type DatasetImageList,
  type DatasetVersionList,
  SplitName,
  TargetFormat,
} from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { ConfirmedForm, FormProblem } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatBytes, formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { ClassHistogram } from './class-histogram.tsx'
import { DrawnImage } from './drawn-image.tsx'
import { UploadForm } from './upload-form.tsx'
import { Versions } from './versions.tsx'

export interface ImagesQuery {
  class?: number | undefined
  split?: SplitName | undefined
  cursor?: string | undefined
}

interface DatasetPageProps {
  assetUrl: (name: string) => string
  dataset: Dataset
  /** The newest versions. */
  versions: DatasetVersionList
  counts: DatasetClassCounts
  list: DatasetImageList
  query: ImagesQuery
  /** Why the dataset was not deleted. */
  problem?: string | undefined
  now: Date
}

export function DatasetPage({ assetUrl, dataset, versions, counts, list, query, problem, now }: DatasetPageProps) {
  const { id, version, name, taskType, classes } = dataset
  // Links name the version: pages and pictures of it stay the same.
  const page = `${id}@${version}`
  const latest = versions.versions[0]?.version ?? version
  return (
    <Layout assetUrl={assetUrl} title={t('{name} · Dataset', { name })} section="datasets" scripts={['upload.js']}>
      <div class="page-head with-actions">
        <div>
          <p class="crumbs">
            <a href="/datasets">{t('Datasets')}</a> <span aria-hidden="true">/</span> {id}
          </p>
          <h1>
            <bdi>{name}</bdi>
          </h1>
          <p class="lead">
            {t('{counted} for {taskType}', {
              counted: plural(dataset.counts.images, '{count} image', '{count} images'),
              taskType: apiWord(taskType),
            })}
            {version < latest && (
              <>
                {' · '}
                <Sentence
                  text="version {version}, {link}"
                  version={version}
                  link={<a href={`/datasets/${id}`}>{t('the latest is {latest}', { latest })}</a>}
                />
              </>
            )}
          </p>
        </div>
        <div class="actions">
          <a class="button" href={withQuery('/jobs/new', { dataset: version < latest ? page : id })}>
            {t('Train on it')}
          </a>
          <ConfirmedForm
            id="delete-dataset"
            action={`/datasets/${id}/delete`}
            verb={t('Delete')}
            subject={name}
            question={t('Delete this dataset?')}
          >
            <p>
              <Sentence
                text="{name} and its {counted} are removed, with all versions. This cannot be undone. Jobs that trained on it stay."
                name={<bdi>{name}</bdi>}
                counted={plural(dataset.counts.images, '{count} image', '{count} images')}
              />
            </p>
          </ConfirmedForm>
        </div>
      </div>
      <FormProblem text={problem} />
      <Facts dataset={dataset} now={now} />
      <Losses losses={dataset.losses} />
      <form class="dataset-filters" method="get" action={`/datasets/${page}/download`}>
        <div class="field">
          <label for="download-as">{t('Download as')}</label>
          <select id="download-as" name="as">
            <option value="">{t('{format}, as uploaded', { format: dataset.format })}</option>
            {TargetFormat.options.map((format) => (
              <option value={format}>{format}</option>
            ))}
          </select>
        </div>
        <button type="submit" class="quiet">
          {t('Download')}
        </button>
        <a class="button quiet" href={`/datasets/${page}/report`}>
          {t('Report')}
        </a>
      </form>
      <section aria-labelledby="images">
        <h2 id="images">{t('Images')}</h2>
        <Filters dataset={dataset} counts={counts} query={query} />
        {list.images.length === 0 ? (
          <p class="empty">
            <Sentence text="No image matches. {link}" link={<a href={`/datasets/${page}#images`}>{t('Show all')}</a>} />
          </p>
        ) : (
          <ul class="tiles">
            {list.images.map((image) => (
              <DrawnImage datasetId={page} image={image} classes={new Map(classes.map((one) => [one.id, one]))} />
            ))}
          </ul>
        )}
        <Paging id={page} query={query} nextCursor={list.nextCursor} />
      </section>
      <ClassHistogram datasetId={page} counts={counts} />
      <Versions shown={version} list={versions} now={now} />
      <UploadForm versionOf={id} />
    </Layout>
  )
}

function Facts({ dataset, now }: { dataset: Dataset; now: Date }) {
  const { counts } = dataset
  return (
    <dl class="side-facts dataset-facts">
      <dt>{t('Version')}</dt>
      <dd>
        {dataset.version}
        {dataset.message !== undefined && (
          <>
            {': '}
            <bdi>{dataset.message}</bdi>
          </>
        )}
      </dd>
      <dt>{t('Format')}</dt>
      <dd>{dataset.format}</dd>
      <dt>{t('Labelled')}</dt>
      <dd>
        {t('{labelled} of {counted}, {counted2}', {
          labelled: formatCount(counts.labelled),
          counted: plural(counts.images, '{count} image', '{count} images'),
          counted2: plural(counts.annotations, '{count} object', '{count} objects'),
        })}
      </dd>
      <dt>{t('Splits')}</dt>
      <dd>
        {t('training {train} · validation {val} · test {test}', {
          train: formatCount(counts.splits.train),
          val: formatCount(counts.splits.val),
          test: formatCount(counts.splits.test),
        })}
      </dd>
      <dt>{t('Size')}</dt>
      <dd>{formatBytes(dataset.sizeBytes)}</dd>
      <dt>{t('Added')}</dt>
      <dd>
        <RelativeTime at={dataset.createdAt} now={now} />
      </dd>
      <dt>{t('Content')}</dt>
      <dd>
        <code title={dataset.versionHash}>{dataset.versionHash.slice(0, 12)}</code>
      </dd>
    </dl>
  )
}

/** What was left out or changed when the files were read. */
function Losses({ losses }: Pick<Dataset, 'losses'>) {
  if (losses.length === 0) return null
  return (
    <details class="dataset-losses">
      <summary>
        {t('Left out or changed: {kinds}', {
          kinds: losses.map(({ reason, count }) => `${reason} ${formatCount(count)}`).join(', '),
        })}
      </summary>
      <dl>
        {losses.map(({ reason, examples }) => (
          <>
            <dt>
              <code>{reason}</code>
            </dt>
            {examples.map((example) => (
              <dd>
                <bdi>{example}</bdi>
              </dd>
            ))}
          </>
        ))}
      </dl>
    </details>
  )
}

function Filters({ dataset, counts, query }: { dataset: Dataset; counts: DatasetClassCounts; query: ImagesQuery }) {
  const chosen = query.class
  const isListed = counts.classes.some(({ id }) => id === chosen)
  return (
    <form class="dataset-filters" method="get" action={`/datasets/${dataset.id}@${dataset.version}#images`}>
      <div class="field">
        <label for="class">{t('Class')}</label>
        <select id="class" name="class">
          <option value="">{t('All')}</option>
          {chosen !== undefined && !isListed && (
            <option value={String(chosen)} selected>
              {dataset.classes.find(({ id }) => id === chosen)?.name ?? t('class {chosen}', { chosen })}
            </option>
          )}
          {counts.classes.map(({ id, name, images }) => (
            <option value={String(id)} selected={id === chosen}>{`${name} (${formatCount(images)})`}</option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="split">{t('Split')}</label>
        <select id="split" name="split">
          <option value="">{t('All')}</option>
          {SplitName.options.map((split) => (
            <option value={split} selected={split === query.split}>
              {t(SPLIT_WORDS[split])}
            </option>
          ))}
        </select>
      </div>
      <button type="submit" class="quiet">
        {t('Show')}
      </button>
    </form>
  )
}

const SPLIT_WORDS: Readonly<Record<SplitName, string>> = { train: 'Training', val: 'Validation', test: 'Test' }

function Paging({ id, query, nextCursor }: { id: string; query: ImagesQuery; nextCursor: string | undefined }) {
  if (nextCursor === undefined && query.cursor === undefined) return null
  const filters = { class: query.class === undefined ? undefined : String(query.class), split: query.split }
  const at = (cursor: string | undefined) => `${withQuery(`/datasets/${id}`, { ...filters, cursor })}#images`
  return (
    <nav class="paging" aria-label={t('Pages')}>
      {query.cursor !== undefined && <a href={at(undefined)}>{t('First page')}</a>}
      {nextCursor !== undefined && (
        <a rel="next" href={at(nextCursor)}>
          {t('Next page')}
        </a>
      )}
    </nav>
  )
}
