import type { Publisher, PublishingInfo } from '@trainyard/contract'
import { ConfirmedForm, Field, FormProblem, Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { RelativeTime } from '../components/time.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

/** What was submitted, so that the form keeps it after an error. */
export interface PublisherForm {
  issuer: string
  repository: string
  repositoryId: string
  ownerId: string
  workflow: string
  environment: string
  ref: string
}

export interface PublishersPageProps {
  assetUrl: (name: string) => string
  trainer: string
  publishers: readonly Publisher[]
  info: PublishingInfo
  now: Date
  form?: PublisherForm | undefined
  problem?: string | undefined
  /** What was just done. */
  note?: string | undefined
}

/** Who publishes a trainer from a CI. */
export function PublishersPage(props: PublishersPageProps) {
  const { assetUrl, trainer, publishers, info, now, form, problem, note } = props
  return (
    <Layout assetUrl={assetUrl} title={t('Publishers of {trainer}', { trainer })} section="trainers">
      <div class="page-head">
        <p class="crumbs">
          <a href="/">{t('Trainers')}</a> <span aria-hidden="true">/</span>{' '}
          <a href={`/trainers/${trainer}`}>{trainer}</a>
        </p>
        <h1>{t('Publishers')}</h1>
        <p class="lead">
          {t(
            'The jobs of these repositories can publish versions of {trainer}, also the first one, without a stored secret.',
            { trainer },
          )}
        </p>
      </div>
      {note !== undefined && <Note>{note}</Note>}
      <FormProblem text={problem} />
      {publishers.length === 0 && <p class="muted">{t('No repository can publish this trainer from a CI yet.')}</p>}
      {publishers.map((publisher) => (
        <OnePublisher publisher={publisher} now={now} />
      ))}
      <section aria-labelledby="add">
        <h2 id="add">{t('Add a publisher')}</h2>
        {info.issuers.length === 0 ? (
          <p class="muted">{t('This registry accepts the tokens of no CI.')}</p>
        ) : (
          <AddForm trainer={trainer} info={info} form={form} />
        )}
      </section>
    </Layout>
  )
}

function OnePublisher({ publisher, now }: { publisher: Publisher; now: Date }) {
  const { id, trainer, issuer, repository, isPending, lastUse, lastRefusal } = publisher
  const action = `/publishers/${trainer}/${encodeURIComponent(id)}`
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{repository}</h2>
      <dl class="side-facts">
        <Fact name={t('Issuer')} value={issuer} />
        <Fact name={t('Number of the repository')} value={publisher.repositoryId ?? t('that of the first job')} />
        <Fact name={t('Number of the owner')} value={publisher.ownerId ?? t('that of the first job')} />
        <Fact name={t('Workflow')} value={publisher.workflow} />
        <Fact name={t('Environment')} value={publisher.environment} />
        <Fact name={t('Branch or tag')} value={publisher.ref} />
      </dl>
      {isPending && <p>{t('The trainer does not exist yet. The first version can come from this publisher.')}</p>}
      {lastUse === undefined ? (
        <p class="muted">{t('Never used.')}</p>
      ) : (
        <p>
          <Sentence text="Last used {when}" when={<RelativeTime at={lastUse.at} now={now} />} />
          {': '}
          {lastUse.ref ?? t('no ref')}
          {lastUse.sha !== undefined && <> {t('at {sha}', { sha: lastUse.sha.slice(0, 12) })}</>}
          {lastUse.run !== undefined && `, ${t('run {run}', { run: lastUse.run })}`}
        </p>
      )}
      {lastRefusal !== undefined && (
        <div class="form-problem">
          <p>
            <Sentence
              text="A job of this repository was refused {when}:"
              when={<RelativeTime at={lastRefusal.at} now={now} />}
            />
          </p>
          <ul>
            {lastRefusal.reasons.map((reason) => (
              <li>{reason}</li>
            ))}
          </ul>
        </div>
      )}
      <form class="form" method="post" action={`${action}/test`}>
        <Field
          name={`token-${id}`}
          label={t('Token of a job')}
          maxlength={16_384}
          hint={t('May stay empty: then only the issuer is tested. The token is not used up')}
        />
        <button type="submit" class="quiet">
          {t('Test the connection')}
        </button>
      </form>
      <ConfirmedForm
        id={`remove-${id}`}
        action={`${action}/remove`}
        verb={t('Remove')}
        subject={repository}
        question={t('Remove the publisher {repository}?', { repository })}
      >
        <p>{t('Its jobs can no longer publish {trainer}. Tokens that they have end at once.', { trainer })}</p>
      </ConfirmedForm>
    </section>
  )
}

function Fact({ name, value }: { name: string; value: string | undefined }) {
  if (value === undefined) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function AddForm({ trainer, info, form }: Pick<PublishersPageProps, 'trainer' | 'info' | 'form'>) {
  return (
    <form class="form" method="post" action={`/publishers/${trainer}`}>
      <div class="field">
        <label for="issuer">{t('Issuer')}</label>
        <select id="issuer" name="issuer">
          {info.issuers.map(({ name, issuer }) => (
            <option value={name} selected={form?.issuer === name}>
              {name}
              {' ('}
              {issuer})
            </option>
          ))}
        </select>
      </div>
      <Field
        name="repository"
        label={t('Repository')}
        value={form?.repository}
        required
        maxlength={255}
        hint={t('OWNER/NAME; in GitLab the path of the project')}
      />
      <Field
        name="workflow"
        label={t('Workflow')}
        value={form?.workflow}
        maxlength={255}
        hint={t(
          'release.yml in .github/workflows, or .gitlab-ci.yml. At least one of workflow, environment and branch or tag',
        )}
      />
      <Field name="environment" label={t('Environment')} value={form?.environment} maxlength={255} />
      <Field
        name="ref"
        label={t('Branch or tag')}
        value={form?.ref}
        maxlength={255}
        hint={t('refs/heads/main, or refs/tags/v*')}
      />
      <Field
        name="repositoryId"
        label={t('Number of the repository')}
        value={form?.repositoryId}
        maxlength={20}
        pattern="\d*"
        hint={t('May stay empty: then the number of the first job is pinned')}
      />
      <Field name="ownerId" label={t('Number of the owner')} value={form?.ownerId} maxlength={20} pattern="\d*" />
      <button type="submit">{t('Add the publisher')}</button>
    </form>
  )
}
