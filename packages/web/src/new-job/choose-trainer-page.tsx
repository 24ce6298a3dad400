import type { Dataset, TrainerList } from '@trainyard/contract'
import { apiWord, apiWords } from '../components/api-word.ts'
import { Layout } from '../components/layout.tsx'
import { SearchForm } from '../components/search-form.tsx'
import { plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

interface ChooseTrainerPageProps {
  assetUrl: (name: string) => string
  q: string
  cursor: string | undefined
  /** Already chosen: only trainers for its task are listed. */
  dataset: Dataset | undefined
  list: TrainerList
}

export function ChooseTrainerPage({ assetUrl, q, cursor, dataset, list }: ChooseTrainerPageProps) {
  const here = (query: { q?: string; cursor?: string | undefined }) =>
    withQuery('/jobs/new', { dataset: dataset?.id, ...query })
  return (
    <Layout assetUrl={assetUrl} title={t('Start a job: choose a trainer')} section="jobs">
      <div class="page-head">
        <p class="crumbs">
          <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> {t('New')}
        </p>
        <h1>{t('Choose a trainer')}</h1>
        <p class="lead">
          {dataset === undefined ? (
            t('Then the dataset and the settings.')
          ) : (
            <Sentence
              text="For {taskType} on {name}. {link}"
              taskType={apiWord(dataset.taskType)}
              name={<bdi>{dataset.name}</bdi>}
              link={<a href={withQuery('/jobs/new', { q })}>{t('All tasks')}</a>}
            />
          )}
        </p>
      </div>
      <search>
        <SearchForm action="/jobs/new" label={t('Search trainers')} q={q} placeholder={t('Name, model, keyword …')}>
          {dataset !== undefined && <input type="hidden" name="dataset" value={dataset.id} />}
        </SearchForm>
      </search>
      <section aria-labelledby="found">
        <h2 id="found" class="count">
          {plural(list.total, '{count} trainer', '{count} trainers')}
        </h2>
        {list.trainers.length === 0 && (
          <p>
            <Sentence text="No trainer matches. {link}" link={<a href={here({})}>{t('Show all')}</a>} />
          </p>
        )}
        <ul class="trainers">
          {list.trainers.map((trainer) => (
            <li class="trainer">
              <h3>
                <a href={withQuery('/jobs/new', { trainer: trainer.name, dataset: dataset?.id })}>
                  {trainer.displayName}
                </a>
              </h3>
              <p class="trainer-name">
                {trainer.name}
                <span class="version">{trainer.latestVersion}</span>
              </p>
              <p class="trainer-description">{trainer.description}</p>
              <ul class="facts">
                <li class="strong">{apiWords(trainer.taskTypes)}</li>
                <li>{trainer.framework}</li>
              </ul>
            </li>
          ))}
        </ul>
        {(list.nextCursor !== undefined || cursor !== undefined) && (
          <nav class="paging" aria-label={t('Pages')}>
            {cursor !== undefined && <a href={here({ q })}>{t('First page')}</a>}
            {list.nextCursor !== undefined && (
              <a rel="next" href={here({ q, cursor: list.nextCursor })}>
                {t('Next page')}
              </a>
            )}
          </nav>
        )}
      </section>
    </Layout>
  )
}
