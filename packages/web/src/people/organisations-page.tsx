import type { Organisation } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { Field, FormProblem } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { PeopleLayout } from './people-layout.tsx'

export interface OrganisationsPageProps {
  assetUrl: (name: string) => string
  organisations: readonly Organisation[]
  now: Date
  refused?: { problem: string; slug: string; displayName: string } | undefined
}

/** Pattern of a short name, for an input element. */
export const SLUG_PATTERN = String.raw`[a-z0-9]+([._\-][a-z0-9]+)*`

export function OrganisationsPage({ assetUrl, organisations, now, refused }: OrganisationsPageProps) {
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title={t('Organisations')}
      lead={t('Teams share projects. Each organisation is also a namespace for trainers.')}
    >
      <section>
        <h2>{t('Your organisations')}</h2>
        {organisations.length === 0 ? (
          <p class="muted">{t('You do not belong to an organisation. Create one, or ask its owner to add you.')}</p>
        ) : (
          <ul class="rows">
            {organisations.map(({ slug, displayName, role, createdAt }) => (
              <li>
                <div>
                  <h3>
                    <a href={`/organisations/${encodeURIComponent(slug)}`}>{displayName}</a>
                  </h3>
                  <ul class="facts">
                    <li>
                      <code>{slug}</code>
                    </li>
                    <li>{t('your role: {role}', { role: apiWord(role) })}</li>
                    <li>
                      <Sentence text="created {when}" when={<RelativeTime at={createdAt} now={now} />} />
                    </li>
                  </ul>
                </div>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <h2>{t('Create an organisation')}</h2>
        <form class="stacked" method="post" action="/organisations">
          <FormProblem text={refused?.problem} />
          <Field
            name="slug"
            label={t('Short name')}
            required
            maxlength={64}
            pattern={SLUG_PATTERN}
            autocomplete="off"
            value={refused?.slug}
            invalid={refused !== undefined}
            hint={t(
              'Lower-case letters, digits, dots, hyphens and underscores, such as “vision-berlin”. It is the namespace of your trainers and cannot be changed.',
            )}
          />
          <Field
            name="displayName"
            label={t('Name')}
            maxlength={100}
            autocomplete="organization"
            value={refused?.displayName}
          />
          <div>
            <button type="submit">{t('Create organisation')}</button>
          </div>
        </form>
      </section>
    </PeopleLayout>
  )
}
