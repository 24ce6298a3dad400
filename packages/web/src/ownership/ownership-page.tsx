import type { OwnershipProof } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { ConfirmedForm, Field, FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { PeopleLayout } from '../people/people-layout.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

export interface OwnershipPageProps {
  assetUrl: (name: string) => string
  namespace: string
  proofs: readonly OwnershipProof[]
  now: Date
  problem?: string | undefined
  /** What was typed, after an error. */
  typed?: { domain: string; repository: string } | undefined
  note?: string | undefined
}

const DOMAIN = 'acme.example'
const REPOSITORY = 'github.com/acme/detector'

export const ownershipPath = (namespace: string) => `/organisations/${encodeURIComponent(namespace)}/ownership`

/** The domains and repositories that an organisation proves to own. */
export function OwnershipPage({ assetUrl, namespace, proofs, now, problem, typed, note }: OwnershipPageProps) {
  const path = ownershipPath(namespace)
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title={t('Ownership of {namespace}', { namespace })}
      lead={
        <Sentence
          text="Prove that {namespace} belongs to a domain or a repository. Its trainers then show the mark, and others cannot take names that look like theirs."
          namespace={<a href={`/organisations/${encodeURIComponent(namespace)}`}>{namespace}</a>}
        />
      }
    >
      {note !== undefined && (
        <Note>
          <p>{note}</p>
        </Note>
      )}
      <FormProblem text={problem} />
      {proofs.length === 0 && <p class="muted">{t('Nothing is proven yet.')}</p>}
      {proofs.map((proof) => (
        <Proof proof={proof} path={`${path}/${encodeURIComponent(proof.id)}`} now={now} />
      ))}
      <section>
        <h2>{t('Add a domain')}</h2>
        <form class="stacked" method="post" action={path}>
          <Field
            name="domain"
            label={t('Domain')}
            required
            maxlength={253}
            value={typed?.domain}
            hint={t('Such as {example}', { example: DOMAIN })}
          />
          <div>
            <button type="submit">{t('Add the domain')}</button>
          </div>
        </form>
      </section>
      <section>
        <h2>{t('Add a repository')}</h2>
        <form class="stacked" method="post" action={path}>
          <Field
            name="repository"
            label={t('Repository')}
            required
            maxlength={255}
            value={typed?.repository}
            hint={t('Such as {example}', { example: REPOSITORY })}
          />
          <div>
            <button type="submit">{t('Add the repository')}</button>
          </div>
        </form>
      </section>
    </PeopleLayout>
  )
}

function Proof({ proof, path, now }: { proof: OwnershipProof; path: string; now: Date }) {
  const { id, kind, subject, place, value, isVerified, verifiedAt, checkedAt, problem } = proof
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{subject}</h2>
      <p>
        {isVerified ? t('Verified') : t('Not verified')}
        {isVerified && verifiedAt !== undefined && (
          <>
            {' '}
            <RelativeTime at={verifiedAt} now={now} />
          </>
        )}
      </p>
      {problem !== undefined && (
        <p class="form-problem">
          {problem} {checkedAt !== undefined && <RelativeTime at={checkedAt} now={now} />}
        </p>
      )}
      <p>
        {kind === 'dns' ? (
          <Sentence text="Add a TXT record with the name {place} and this text:" place={<code>{place}</code>} />
        ) : (
          <Sentence
            text="Add the file {place} at the top of the default branch, with this line:"
            place={<code>{place}</code>}
          />
        )}
      </p>
      <Copyable label={t('Text of the record or file')} text={value} />
      <form method="post" action={`${path}/verify`}>
        <button type="submit" class="quiet" aria-label={t('Check now: {subject}', { subject })}>
          {t('Check now')}
        </button>
      </form>
      <ConfirmedForm
        id={`remove-${id}`}
        action={`${path}/remove`}
        verb={t('Remove')}
        subject={subject}
        question={t('Remove the proof for {subject}?', { subject })}
      >
        <p>{t('Trainers of this organisation no longer show this mark.')}</p>
      </ConfirmedForm>
    </section>
  )
}
