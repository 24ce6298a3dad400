import type { Organisation } from '@trainyard/contract'
import { Field, FormProblem } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { PeopleLayout } from './people-layout.tsx'

export interface OrganisationsPageProps {
  assetUrl: (name: string) => string
  organisations: readonly Organisation[]
  now: Date
  refused?: { problem: string; slug: string; displayName: string } | undefined
}

/** What a short name may be made of, in the words of an input. */
export const SLUG_PATTERN = String.raw`[a-z0-9]+([._\-][a-z0-9]+)*`

export function OrganisationsPage({ assetUrl, organisations, now, refused }: OrganisationsPageProps) {
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title="Organisations"
      lead="Teams that share projects, and each a namespace for trainers."
    >
      <section>
        <h2>Yours</h2>
        {organisations.length === 0 ? (
          <p class="muted">You are in none. Make one, or ask somebody to add you to theirs.</p>
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
                    <li>you are its {role}</li>
                    <li>
                      made <RelativeTime at={createdAt} now={now} />
                    </li>
                  </ul>
                </div>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <h2>Make an organisation</h2>
        <form class="stacked" method="post" action="/organisations">
          <FormProblem text={refused?.problem} />
          <Field
            name="slug"
            label="Short name"
            required
            maxlength={64}
            pattern={SLUG_PATTERN}
            autocomplete="off"
            value={refused?.slug}
            invalid={refused !== undefined}
            hint="Lower-case letters and digits, such as “vision-berlin”. It stays, and begins the names of your trainers."
          />
          <Field
            name="displayName"
            label="Name"
            maxlength={100}
            autocomplete="organization"
            value={refused?.displayName}
          />
          <div>
            <button type="submit">Make the organisation</button>
          </div>
        </form>
      </section>
    </PeopleLayout>
  )
}
