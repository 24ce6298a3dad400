import type { AuditPage, Me, Member, Organisation, Project } from '@trainyard/contract'
import { Field, FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { Activity } from './activity.tsx'
import { MemberRow, RoleSelect } from './members.tsx'
import { SLUG_PATTERN } from './organisations-page.tsx'
import { PeopleLayout } from './people-layout.tsx'

export interface OrganisationPageProps {
  assetUrl: (name: string) => string
  organisation: Organisation
  me: Me
  members: readonly Member[]
  projects: readonly Project[]
  /** Undefined when the viewer must not see it. */
  audit: AuditPage | undefined
  now: Date
  done?: 'member' | 'removed' | 'project' | undefined
  refused?: { form: 'members' | 'projects'; problem: string; value?: string } | undefined
}

const DONE = { member: 'Member saved.', removed: 'Member removed.', project: 'Project created.' } as const

export function OrganisationPage(props: OrganisationPageProps) {
  const { assetUrl, organisation, me, members, projects, audit, now, done, refused } = props
  const { slug, role } = organisation
  const mayChange = role === 'owner' || role === 'admin'
  const path = `/organisations/${encodeURIComponent(slug)}`
  const problemOf = (form: 'members' | 'projects') => (refused?.form === form ? refused.problem : undefined)
  const sentOf = (form: 'members' | 'projects') => (refused?.form === form ? refused.value : undefined)
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title={organisation.displayName}
      lead={
        <>
          <code>{slug}</code> · your role: {role}
        </>
      }
    >
      {done !== undefined && (
        <Note>
          <p>{DONE[done]}</p>
        </Note>
      )}
      <section>
        <h2>Members</h2>
        <FormProblem text={problemOf('members')} />
        <ul class="rows">
          {members.map((member) => (
            <MemberRow member={member} own={me.account?.id} role={role} path={path} now={now} />
          ))}
        </ul>
        {mayChange && (
          <form class="stacked" method="post" action={`${path}/members`}>
            <h3>Add a member</h3>
            <div class="pair">
              <Field
                name="email"
                label="Email of their account"
                type="email"
                required
                maxlength={254}
                autocomplete="off"
                value={sentOf('members')}
              />
              <div class="field">
                <label for="role">Role</label>
                <RoleSelect id="role" selected="member" withOwner={role === 'owner'} />
              </div>
            </div>
            <p class="muted">
              Viewers read; members start jobs and push trainers; admins add members and projects; owners also appoint
              owners.
            </p>
            <div>
              <button type="submit">Add member</button>
            </div>
          </form>
        )}
      </section>
      <section>
        <h2>Projects</h2>
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
                    created <RelativeTime at={project.createdAt} now={now} />
                  </li>
                </ul>
              </div>
            </li>
          ))}
        </ul>
        {mayChange && (
          <form class="stacked" method="post" action={`${path}/projects`}>
            <h3>Create a project</h3>
            <FormProblem text={problemOf('projects')} />
            <div class="pair">
              <Field
                name="slug"
                label="Short name"
                required
                maxlength={64}
                pattern={SLUG_PATTERN}
                autocomplete="off"
                value={sentOf('projects')}
              />
              <Field name="displayName" label="Name" maxlength={100} autocomplete="off" />
            </div>
            <div>
              <button type="submit">Create project</button>
            </div>
          </form>
        )}
      </section>
      {audit !== undefined && <Activity audit={audit} members={members} path={path} now={now} />}
    </PeopleLayout>
  )
}
