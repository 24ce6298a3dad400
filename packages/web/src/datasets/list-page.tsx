import type { DatasetList } from '@trainyard/contract'
import { Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatBytes, plural } from '../format.ts'
import { withQuery } from '../query.ts'
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
    <Layout assetUrl={assetUrl} title="Datasets" section="datasets" scripts={['upload.js']}>
      <div class="page-head">
        <h1>Datasets</h1>
        <p class="lead">Images with labels, which jobs train on. Newest first.</p>
      </div>
      {deleted && <Note>The dataset was deleted.</Note>}
      {list.datasets.length === 0 ? (
        <section class="empty">
          <h2>No datasets yet</h2>
          <p>
            Upload a folder below, or with <code>npx trainyard datasets push my-folder</code>
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
                <li class="strong">{dataset.taskType}</li>
                <li>{plural(dataset.counts.images, 'image')}</li>
                <li>{dataset.classes.length === 1 ? '1 class' : `${dataset.classes.length} classes`}</li>
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
        <nav class="paging" aria-label="Pages">
          {cursor !== undefined && <a href="/datasets">First page</a>}
          {list.nextCursor !== undefined && (
            <a rel="next" href={withQuery('/datasets', { cursor: list.nextCursor })}>
              Next page
            </a>
          )}
        </nav>
      )}
      <UploadForm problem={refused?.problem} name={refused?.name} />
    </Layout>
  )
}
