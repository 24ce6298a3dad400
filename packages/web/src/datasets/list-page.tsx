import type { DatasetList } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatBytes, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { UploadForm } from './upload-form.tsx'

interface DatasetListPageProps {
  assetUrl: (name: string) => string
  list: DatasetList
  cursor: string | undefined
  /** A dataset was just deleted. */
  deleted: boolean
  /** Why an archive was refused, and its name. */
  refused?: { problem: string; name: string } | undefined
  now: Date
}

export function DatasetListPage({ assetUrl, list, cursor, deleted, refused, now }: DatasetListPageProps) {
  return (
    <Layout assetUrl={assetUrl} title={t('Datasets')} section="datasets" scripts={['upload.js']}>
      <div class="page-head">
        <h1>{t('Datasets')}</h1>
        <p class="lead">{t('Images with labels, which jobs train on. Newest first.')}</p>
      </div>
      {deleted && <Note>{t('The dataset was deleted.')}</Note>}
      {list.datasets.length === 0 ? (
        <section class="empty">
          <h2>{t('No datasets yet')}</h2>
          <p>
            <Sentence
              text="Upload a folder below, or with {code}"
              code={<code>npx trainyard datasets push my-folder</code>}
            />
          </p>
        </section>
      ) : (
        <ul class="datasets">
          {list.datasets.map((dataset) => (
            <li class="dataset-row">
              <h2>
                <a href={`/datasets/${dataset.id}`}>
                  <bdi>{dataset.name}</bdi>
                </a>
              </h2>
              <ul class="facts">
                <li class="strong">{apiWord(dataset.taskType)}</li>
                <li>{plural(dataset.counts.images, '{count} image', '{count} images')}</li>
                <li>
                  {dataset.classes.length === 1
                    ? t('1 class')
                    : t('{count} classes', { count: dataset.classes.length })}
                </li>
                <li>{dataset.format}</li>
                <li>{formatBytes(dataset.sizeBytes)}</li>
                <li>
                  <RelativeTime at={dataset.createdAt} now={now} />
                </li>
              </ul>
            </li>
          ))}
        </ul>
      )}
      {(list.nextCursor !== undefined || cursor !== undefined) && (
        <nav class="paging" aria-label={t('Pages')}>
          {cursor !== undefined && <a href="/datasets">{t('First page')}</a>}
          {list.nextCursor !== undefined && (
            <a rel="next" href={withQuery('/datasets', { cursor: list.nextCursor })}>
              {t('Next page')}
            </a>
          )}
        </nav>
      )}
      <UploadForm problem={refused?.problem} name={refused?.name} />
    </Layout>
  )
}
