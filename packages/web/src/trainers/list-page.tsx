import { type TrainerList, type TrainerSummary, TrustTier } from '@trainyard/contract'
import { formatTier } from '@trainyard/contract/format'
import { apiWord, apiWords } from '../components/api-word.ts'
import { Copyable } from '../components/copyable.tsx'
import { Layout } from '../components/layout.tsx'
import { SearchForm } from '../components/search-form.tsx'
import { TrustStatus } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { RatingSummary } from '../reviews/stars.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t, translate } from '../words/t.ts'
import { type ListQuery, SORTS } from './list-query.ts'

interface TrainerListPageProps {
  assetUrl: (name: string) => string
  query: ListQuery
  list: TrainerList
  now: Date
}

const FACETS = [
  { name: 'task', label: 'Task' },
  { name: 'framework', label: 'Framework' },
  { name: 'export', label: 'Exports to' },
  { name: 'reads', label: 'Reads' },
  { name: 'license', label: 'Licence' },
  { name: 'tier', label: 'Checks' },
] as const
type FacetName = (typeof FACETS)[number]['name']

const SORT_LABELS: Readonly<Record<(typeof SORTS)[number], string>> = {
  relevance: 'Best match',
  popular: 'Most pulls',
  newest: 'Newest',
  name: 'Name',
}

export function TrainerListPage({ assetUrl, query, list, now }: TrainerListPageProps) {
  const { trainers, total, nextCursor, facets, corrected } = list
  const filtered = Boolean(query.q) || FACETS.some(({ name }) => Boolean(query[name]))
  return (
    <Layout
      assetUrl={assetUrl}
      title={query.q ? t('{q} · Trainers', { q: query.q }) : t('Trainers')}
      section="trainers"
      description={t('Trainers for vision models. Each version says how far it was checked.')}
    >
      <div class="page-head">
        <h1>{t('Trainers')}</h1>
        <p class="lead">
          {t('Plugins that train vision models. Each version is checked before it can be pulled, and says how far.')}
        </p>
      </div>
      <search>
        <SearchForm
          action="/"
          label={t('Search trainers')}
          q={query.q ?? ''}
          placeholder={t('Name, model, keyword …')}
          autocomplete="off"
        >
          {FACETS.map(({ name }) => query[name] && <input type="hidden" name={name} value={query[name]} />)}
          {query.sort !== undefined && <input type="hidden" name="sort" value={query.sort} />}
        </SearchForm>
        <nav class="facets" aria-label={t('Filters')}>
          {FACETS.map(({ name, label }) => (
            <Facet label={t(label)} name={name} values={facets[name]} query={query} />
          ))}
          <Sorts query={query} />
        </nav>
      </search>
      {corrected !== undefined && (
        <p class="muted">
          <Sentence
            text="No trainer has “{q}”. These are the results for {corrected}."
            q={query.q}
            corrected={<strong>{corrected}</strong>}
          />
        </p>
      )}
      {trainers.length > 0 ? (
        <section aria-labelledby="found">
          <h2 id="found" class="count">
            {filtered
              ? t('{counted} found', { counted: plural(total, '{count} trainer', '{count} trainers') })
              : plural(total, '{count} trainer', '{count} trainers')}
            {filtered && (
              <a class="reset" href="/">
                {t('Show all')}
              </a>
            )}
          </h2>
          <ul class="trainers">
            {trainers.map((trainer) => (
              <TrainerRow trainer={trainer} now={now} />
            ))}
          </ul>
          {(nextCursor !== undefined || query.cursor !== undefined) && (
            <nav class="paging" aria-label={t('Pages')}>
              {query.cursor !== undefined && (
                <a href={withQuery('/', { ...query, cursor: undefined })}>{t('First page')}</a>
              )}
              {nextCursor !== undefined && (
                <a rel="next" href={withQuery('/', { ...query, cursor: nextCursor })}>
                  {t('Next page')}
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

interface FacetProps {
  label: string
  name: FacetName
  values: readonly { value: string; count: number }[]
  query: ListQuery
}

/** Values that are shown at once. The others are one click away. */
const SHOWN_VALUES = 8

function Facet({ label, name, values, query }: FacetProps) {
  const chosen = query[name]
  // A value that is chosen stays, so that it can be removed, even when nothing has it.
  const all =
    chosen && !values.some(({ value }) => value === chosen) ? [{ value: chosen, count: 0 }, ...values] : values
  if (all.length === 0) return null
  const [first, more] = [all.slice(0, SHOWN_VALUES), all.slice(SHOWN_VALUES)]
  const id = `facet-${name}`
  return (
    <div class="facet">
      <span id={id} class="facet-label">
        {label}
      </span>
      <ul aria-labelledby={id}>
        {first.map(({ value, count }) => (
          <Chip name={name} value={value} count={count} query={query} />
        ))}
        {more.length > 0 && (
          <li>
            <details open={more.some(({ value }) => value === chosen)}>
              <summary class="chip">{t('{count} more', { count: more.length })}</summary>
              <ul aria-labelledby={id}>
                {more.map(({ value, count }) => (
                  <Chip name={name} value={value} count={count} query={query} />
                ))}
              </ul>
            </details>
          </li>
        )}
      </ul>
    </div>
  )
}

/** Tiers have names for people; the other values are names already. */
function labelOf(name: FacetName, value: string): string {
  const tier = name === 'tier' ? TrustTier.safeParse(value).data : undefined
  if (name === 'task') return apiWord(value)
  return tier === undefined ? value : translate(formatTier(tier))
}

function Chip({ name, value, count, query }: { name: FacetName; value: string; count: number; query: ListQuery }) {
  const chosen = query[name] === value
  const href = withQuery('/', { ...query, cursor: undefined, [name]: chosen ? undefined : value })
  return (
    <li>
      <a class="chip" href={href} aria-current={chosen ? 'true' : undefined}>
        {labelOf(name, value)}
        <span class="chip-count">
          {' '}
          {formatCount(count)}
          <span class="visually-hidden"> {count === 1 ? t('trainer') : t('trainers')}</span>
        </span>
        {chosen && (
          <>
            <span aria-hidden="true">{' ×'}</span>
            <span class="visually-hidden"> {t('(selected; select again to remove)')}</span>
          </>
        )}
      </a>
    </li>
  )
}

function Sorts({ query }: { query: ListQuery }) {
  const chosen = query.sort ?? 'relevance'
  return (
    <div class="facet">
      <span id="sort" class="facet-label">
        {t('Order')}
      </span>
      <ul aria-labelledby="sort">
        {SORTS.map((sort) => (
          <li>
            <a
              class="chip"
              href={withQuery('/', { ...query, cursor: undefined, sort: sort === 'relevance' ? undefined : sort })}
              aria-current={sort === chosen ? 'true' : undefined}
            >
              {t(SORT_LABELS[sort])}
            </a>
          </li>
        ))}
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
        {trainer.trust !== undefined && <TrustStatus tier={trainer.trust.tier} />}
      </p>
      <p class="trainer-description">{trainer.description}</p>
      <ul class="facts">
        <li class="strong">{apiWords(trainer.taskTypes)}</li>
        <li>{trainer.framework}</li>
        <li>{trainer.license}</li>
        {trainer.verifiedAs[0] !== undefined && (
          <li>
            {t('Verified owner')}: {trainer.verifiedAs[0]}
          </li>
        )}
        {trainer.rating !== undefined && (
          <li>
            <RatingSummary rating={trainer.rating} />
          </li>
        )}
        <li>{plural(trainer.pulls, '{count} pull', '{count} pulls')}</li>
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
        <h2>{t('No trainers found')}</h2>
        <p>
          <Sentence text="Try fewer words, or {link}." link={<a href="/">{t('show all trainers')}</a>} />
        </p>
      </section>
    )
  }
  return (
    <section class="empty">
      <h2>{t('No trainers yet')}</h2>
      <p>{t('Publish the first one: check your trainer with the validator, then publish its folder.')}</p>
      <Copyable label={t('Publish a trainer')} text={'npx trainyard-validate .\nnpx trainyard publish .'} />
      <p class="muted">
        <Sentence
          text="The folder contains a {code} and a program that follows the contract. Docker is not required."
          code={<code>trainer.json</code>}
        />
      </p>
    </section>
  )
}
