import type { DatasetVersionDiff } from '@trainyard/contract'
import { Layout } from '../components/layout.tsx'
import { formatCount, plural } from '../format.ts'
import { t } from '../words/t.ts'

interface DiffPageProps {
  assetUrl: (name: string) => string
  id: string
  name: string
  diff: DatasetVersionDiff
}

/** Entries of each list on the page. The API has more. */
const SHOWN = 100

/** What changed between two versions of a dataset. */
export function DiffPage({ assetUrl, id, name, diff }: DiffPageProps) {
  const { from, to, classes, images, objects, changes, counts } = diff
  const title = t('{name}: version {from} to {to}', { name, from, to })
  return (
    <Layout assetUrl={assetUrl} title={t('{title} · Dataset', { title })} section="datasets">
      <div class="page-head">
        <p class="crumbs">
          <a href="/datasets">{t('Datasets')}</a> <span aria-hidden="true">/</span>{' '}
          <a href={`/datasets/${id}@${to}`}>{`${id}@${to}`}</a>
        </p>
        <h1>
          <bdi>{title}</bdi>
        </h1>
        <p class="lead">
          {t('{counted} in both', { counted: plural(images.common, '{count} image', '{count} images') })}
        </p>
      </div>
      <dl class="side-facts dataset-facts">
        <dt>{t('Objects')}</dt>
        <dd>
          {t(
            '{added} added · {removed} removed · {moved} moved · {reclassified} with another class · {unchanged} unchanged',
            {
              added: formatCount(objects.added),
              removed: formatCount(objects.removed),
              moved: formatCount(objects.moved),
              reclassified: formatCount(objects.reclassified),
              unchanged: formatCount(objects.unchanged),
            },
          )}
        </dd>
      </dl>
      <Entries title={t('Classes added')} count={classes.added.length} entries={classes.added} />
      <Entries title={t('Classes removed')} count={classes.removed.length} entries={classes.removed} />
      <Entries
        title={t('Classes renamed')}
        count={classes.renamed.length}
        entries={classes.renamed.map((one) => `${one.from} → ${one.to}`)}
      />
      <Entries title={t('Images added')} count={counts.added} entries={images.added} />
      <Entries title={t('Images removed')} count={counts.removed} entries={images.removed} />
      <Entries
        title={t('Images renamed')}
        count={counts.renamed}
        entries={images.renamed.map((one) => `${one.from} → ${one.to}`)}
      />
      <Entries
        title={t('Images in another split')}
        count={counts.moved}
        entries={images.moved.map((one) => `${one.path}: ${one.from ?? 'none'} → ${one.to ?? 'none'}`)}
      />
      <Entries title={t('Images with other pixels')} count={counts.repainted} entries={images.repainted} />
      <Entries title={t('Images with other objects')} count={counts.changed} entries={changes.map(describe)} />
    </Layout>
  )
}

function Entries({ title, count, entries }: { title: string; count: number; entries: readonly string[] }) {
  if (count === 0) return null
  const shown = entries.slice(0, SHOWN)
  return (
    <section>
      <h2>
        {title}
        {' ('}
        {formatCount(count)})
      </h2>
      <ul>
        {shown.map((entry) => (
          <li>
            <bdi>{entry}</bdi>
          </li>
        ))}
      </ul>
      {count > shown.length && (
        <p class="muted">{t('and {count} more', { count: formatCount(count - shown.length) })}</p>
      )}
    </section>
  )
}

function describe({ path, added, removed, moved, reclassified }: DatasetVersionDiff['changes'][number]): string {
  const parts = [
    ...added.map(({ className }) => t('{name} added', { name: className })),
    ...removed.map(({ className }) => t('{name} removed', { name: className })),
    ...moved.map(({ className, iou }) => t('{name} moved (IoU {iou})', { name: className, iou: iou.toFixed(2) })),
    ...reclassified.map(({ from, to }) => `${from} → ${to}`),
  ]
  const more = parts.length > 5 ? `, ${t('and {count} more', { count: parts.length - 5 })}` : ''
  return `${path}: ${parts.slice(0, 5).join(', ')}${more}`
}
