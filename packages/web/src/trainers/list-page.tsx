import { TaskType, type TrainerList, type TrainerSummary } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { Layout } from '../components/layout.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { withQuery } from '../query.ts'
import type { ListQuery } from './list-query.ts'

interface TrainerListPageProps {
  assetUrl: (name: string) => string
  query: ListQuery
  list: TrainerList
  now: Date
}

export function TrainerListPage({ assetUrl, query, list, now }: TrainerListPageProps) {
  const { trainers, total, nextCursor } = list
  const filtered = Boolean(query.q || query.task || query.framework)
  // A registry of an earlier version does not list the frameworks of other pages.
  const known = list.frameworks?.map(({ name }) => name) ?? trainers.map((trainer) => trainer.framework)
  const frameworks = [...new Set([...known, query.framework ?? ''])].filter((framework) => framework !== '').sort()
  return (
    <Layout
      assetUrl={assetUrl}
      title={query.q ? `${query.q} · Trainers` : 'Trainers'}
      section="trainers"
      description="Trainers for vision models, each checked before it can be pulled."
    >
      <div class="page-head">
        <h1>Trainers</h1>
        <p class="lead">Plugins that train vision models. Each version is checked before it can be pulled.</p>
      </div>
      <search>
        <form class="search" action="/" method="get">
          <label class="visually-hidden" for="q">
            Search trainers
          </label>
          <input
            id="q"
            type="search"
            name="q"
            value={query.q ?? ''}
            placeholder="Name, model, keyword …"
            maxlength={200}
            autocomplete="off"
          />
          {query.task !== undefined && <input type="hidden" name="task" value={query.task} />}
          {query.framework && <input type="hidden" name="framework" value={query.framework} />}
          <button type="submit">Search</button>
        </form>
        <nav class="facets" aria-label="Filters">
          <Facet label="Task" name="task" values={TaskType.options} query={query} />
          {frameworks.length > 0 && <Facet label="Framework" name="framework" values={frameworks} query={query} />}
        </nav>
      </search>
      {trainers.length > 0 ? (
        <section aria-labelledby="found">
          <h2 id="found" class="count">
            {filtered ? `${plural(total, 'trainer')} found` : plural(total, 'trainer')}
            {filtered && (
              <a class="reset" href="/">
                Show all
              </a>
            )}
          </h2>
          <ul class="trainers">
            {trainers.map((trainer) => (
              <TrainerRow trainer={trainer} now={now} />
            ))}
          </ul>
          {(nextCursor !== undefined || query.cursor !== undefined) && (
            <nav class="paging" aria-label="Pages">
              {query.cursor !== undefined && <a href={withQuery('/', { ...query, cursor: undefined })}>First page</a>}
              {nextCursor !== undefined && (
                <a rel="next" href={withQuery('/', { ...query, cursor: nextCursor })}>
                  Next page
                </a>
              )}
            </nav>
          )}
        </section>
      ) : (
        <Empty filtered={filtered} />
      )}
    </Layout>
  )
}

function Facet(props: { label: string; name: 'task' | 'framework'; values: readonly string[]; query: ListQuery }) {
  const { label, name, values, query } = props
  const id = `facet-${name}`
  return (
    <div class="facet">
      <span id={id} class="facet-label">
        {label}
      </span>
      <ul aria-labelledby={id}>
        {values.map((value) => {
          const chosen = query[name] === value
          const href = withQuery('/', { ...query, cursor: undefined, [name]: chosen ? undefined : value })
          return (
            <li>
              <a class="chip" href={href} aria-current={chosen ? 'true' : undefined}>
                {value}
                {chosen && (
                  <>
                    <span aria-hidden="true"> ×</span>
                    <span class="visually-hidden"> (selected; select again to remove)</span>
                  </>
                )}
              </a>
            </li>
          )
        })}
      </ul>
    </div>
  )
}

function TrainerRow({ trainer, now }: { trainer: TrainerSummary; now: Date }) {
  return (
    <li class="trainer">
      <h3>
        <a href={`/trainers/${trainer.name}`}>{trainer.displayName}</a>
      </h3>
      <p class="trainer-name">
        {trainer.name}
        <span class="version">{trainer.latestVersion}</span>
      </p>
      <p class="trainer-description">{trainer.description}</p>
      <ul class="facts">
        <li class="strong">{trainer.taskTypes.join(', ')}</li>
        <li>{trainer.framework}</li>
        <li>{trainer.license}</li>
        <li>{plural(trainer.pulls, 'pull')}</li>
        <li>
          <RelativeTime at={trainer.publishedAt} now={now} />
        </li>
      </ul>
    </li>
  )
}

function Empty({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <section class="empty">
        <h2>No trainers found</h2>
        <p>
          Try fewer words, or <a href="/">show all trainers</a>.
        </p>
      </section>
    )
  }
  return (
    <section class="empty">
      <h2>No trainers yet</h2>
      <p>Publish the first one: check your trainer with the validator, then publish its folder.</p>
      <Copyable label="Publish a trainer" text={'npx trainyard-validate .\nnpx trainyard publish .'} />
      <p class="muted">
        The folder contains a <code>trainer.json</code> and a program that follows the contract. Docker is not required.
      </p>
    </section>
  )
}
