import type {
  AuditPage,
  CreatedMemberInvitation,
  Me,
  Member,
  MemberInvitation,
  Organisation,
  Project,
} from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { Field, FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { Activity } from './activity.tsx'
import { InvitationLink, Invitations } from './invitations.tsx'
import { MemberRow, RoleSelect } from './members.tsx'
import { SLUG_PATTERN } from './organisations-page.tsx'
import { PeopleLayout } from './people-layout.tsx'

export interface OrganisationPageProps {
  assetUrl: (name: string) => string
  organisation: Organisation
  me: Me
  members: readonly Member[]
  /** Empty when the viewer cannot manage members. */
  invitations: readonly MemberInvitation[]
  projects: readonly Project[]
  /** Undefined when the viewer must not see it. */
  audit: AuditPage | undefined
  now: Date
  done?: 'member' | 'removed' | 'withdrawn' | 'joined' | 'project' | undefined
  /** The invitation that was just created, with its link. */
  invited?: { invitation: CreatedMemberInvitation; url: string } | undefined
  refused?: { form: 'members' | 'projects'; problem: string; value?: string } | undefined
}

const DONE = {
  member: 'Member saved.',
  removed: 'Member removed.',
  withdrawn: 'Invitation withdrawn.',
  joined: 'You have joined the organisation.',
  project: 'Project created.',
} as const

export function OrganisationPage(props: OrganisationPageProps) {
  const { assetUrl, organisation, members, projects, audit, now, done, invited, refused } = props
  const { slug, role } = organisation
  const mayChange = role === 'owner' || role === 'admin'
  const path = `/organisations/${encodeURIComponent(slug)}`
  const refusedProject = refused?.form === 'projects' ? refused : undefined
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title={organisation.displayName}
      lead={<Sentence text="{slug} · your role: {role}" slug={<code>{slug}</code>} role={apiWord(role)} />}
    >
      {done !== undefined && (
        <Note>
          <p>{t(DONE[done])}</p>
        </Note>
      )}
      {invited !== undefined && <InvitationLink {...invited} />}
      <Members {...props} />
      <section>
        <h2>{t('Projects')}</h2>
        <ul class="rows">
          {projects.map((project) => (
            <li>
              <div>
                <h3>{project.displayName}</h3>
                <ul class="facts">
                  <li>
                    <code>{project.name}</code>
                  </li>
                  <li>
                    <Sentence text="created {when}" when={<RelativeTime at={project.createdAt} now={now} />} />
                  </li>
                </ul>
              </div>
            </li>
          ))}
        </ul>
        {mayChange && (
          <form class="stacked" method="post" action={`${path}/projects`}>
            <h3>{t('Create a project')}</h3>
            <FormProblem text={refusedProject?.problem} />
            <div class="pair">
              <Field
                name="slug"
                label={t('Short name')}
                required
                maxlength={64}
                pattern={SLUG_PATTERN}
                autocomplete="off"
                value={refusedProject?.value}
              />
              <Field name="displayName" label={t('Name')} maxlength={100} autocomplete="off" />
            </div>
            <div>
              <button type="submit">{t('Create project')}</button>
            </div>
          </form>
        )}
      </section>
      {mayChange && (
        <section>
          <h2>{t('Webhooks')}</h2>
          <p>
            <Sentence
              text="{link} notify addresses of what happens to the trainers of this organisation."
              link={<a href={`${path}/webhooks`}>{t('Webhooks')}</a>}
            />
          </p>
          <p>
            <a href={`${path}/ownership`}>{t('Prove that a domain or a repository is yours')}</a>
          </p>
        </section>
      )}
      {audit !== undefined && <Activity audit={audit} members={members} path={path} now={now} />}
    </PeopleLayout>
  )
}

function Members({ organisation, me, members, invitations, now, refused }: OrganisationPageProps) {
  const { slug, role } = organisation
  const mayChange = role === 'owner' || role === 'admin'
  const path = `/organisations/${encodeURIComponent(slug)}`
  return (
    <section>
      <h2>{t('Members')}</h2>
      <FormProblem text={refused?.form === 'members' ? refused.problem : undefined} />
      <ul class="rows">
        {members.map((member) => (
          <MemberRow member={member} own={me.account?.id} role={role} path={path} now={now} />
        ))}
      </ul>
      {mayChange && <Invitations invitations={invitations} path={path} now={now} />}
      {mayChange && (
        <form class="stacked" method="post" action={`${path}/members`}>
          <h3>{t('Add a member')}</h3>
          <div class="pair">
            <Field
              name="email"
              label={t('Email')}
              type="email"
              required
              maxlength={254}
              autocomplete="off"
              value={refused?.form === 'members' ? refused.value : undefined}
            />
            <div class="field">
              <label for="role">{t('Role')}</label>
              <RoleSelect id="role" selected="member" withOwner={role === 'owner'} />
            </div>
          </div>
          <p class="muted">
            {t(
              'Viewers read; members start jobs and push trainers; admins add members and projects; owners also appoint owners. A person who shares an organisation with you is added at once. Anyone else gets an invitation.',
            )}
          </p>
          <div>
            <button type="submit">{t('Add member')}</button>
          </div>
        </form>
      )}
    </section>
  )
}
