import type { DatasetVersionDiff } from '@trainyard/contract'
import { Layout } from '../components/layout.tsx'
import { formatCount, plural } from '../format.ts'

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
  const title = `${name}: version ${from} to ${to}`
  return (
    <Layout assetUrl={assetUrl} title={`${title} · Dataset`} section="datasets">
      <div class="page-head">
        <p class="crumbs">
          <a href="/datasets">Datasets</a> <span aria-hidden="true">/</span>{' '}
          <a href={`/datasets/${id}@${to}`}>{`${id}@${to}`}</a>
        </p>
        <h1>
          <bdi>{title}</bdi>
        </h1>
        <p class="lead">{plural(images.common, 'image')} in both</p>
      </div>
      <dl class="side-facts dataset-facts">
        <dt>Objects</dt>
        <dd>
          {formatCount(objects.added)} added · {formatCount(objects.removed)} removed · {formatCount(objects.moved)}{' '}
          moved · {formatCount(objects.reclassified)} with another class · {formatCount(objects.unchanged)} unchanged
        </dd>
      </dl>
      <Entries title="Classes added" count={classes.added.length} entries={classes.added} />
      <Entries title="Classes removed" count={classes.removed.length} entries={classes.removed} />
      <Entries
        title="Classes renamed"
        count={classes.renamed.length}
        entries={classes.renamed.map((one) => `${one.from} → ${one.to}`)}
      />
      <Entries title="Images added" count={counts.added} entries={images.added} />
      <Entries title="Images removed" count={counts.removed} entries={images.removed} />
      <Entries
        title="Images renamed"
        count={counts.renamed}
        entries={images.renamed.map((one) => `${one.from} → ${one.to}`)}
      />
      <Entries
        title="Images in another split"
        count={counts.moved}
        entries={images.moved.map((one) => `${one.path}: ${one.from ?? 'none'} → ${one.to ?? 'none'}`)}
      />
      <Entries title="Images with other pixels" count={counts.repainted} entries={images.repainted} />
      <Entries title="Images with other objects" count={counts.changed} entries={changes.map(describe)} />
    </Layout>
  )
}

function Entries({ title, count, entries }: { title: string; count: number; entries: readonly string[] }) {
  if (count === 0) return null
  const shown = entries.slice(0, SHOWN)
  return (
    <section>
      <h2>
        {title} ({formatCount(count)})
      </h2>
      <ul>
        {shown.map((entry) => (
          <li>
            <bdi>{entry}</bdi>
          </li>
        ))}
      </ul>
      {count > shown.length && <p class="muted">and {formatCount(count - shown.length)} more</p>}
    </section>
  )
}

function describe({ path, added, removed, moved, reclassified }: DatasetVersionDiff['changes'][number]): string {
  const parts = [
    ...added.map(({ className }) => `${className} added`),
    ...removed.map(({ className }) => `${className} removed`),
    ...moved.map(({ className, iou }) => `${className} moved (IoU ${iou.toFixed(2)})`),
    ...reclassified.map(({ from, to }) => `${from} → ${to}`),
  ]
  const more = parts.length > 5 ? `, and ${parts.length - 5} more` : ''
  return `${path}: ${parts.slice(0, 5).join(', ')}${more}`
}
