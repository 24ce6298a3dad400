import {
  type Action,
  type Caller,
  type CallerProject,
  projectsFor,
  requireCan,
  requireScope,
  TrainyardError,
} from '@trainyard/platform'

/**
 * The project that something new goes to: the one that is named, or else the first that the caller has and may write to.
 *
 * @throws TrainyardError `unprocessable` for a project that is not there for the caller, `forbidden` for one that is and
 * may not be written to
 */
export function chooseProject(caller: Caller, action: Action, name: string | undefined): CallerProject {
  requireScope(caller, action)
  const writable = projectsFor(caller, action)
  if (name === undefined) {
    const [first] = writable
    if (first !== undefined) return first
    const [visible] = caller.projects
    if (visible === undefined)
      throw new TrainyardError('forbidden', 'You have no project here: make an organisation, or be added to one')
    requireCan(caller, action, { organisationId: visible.organisationId, projectId: visible.id })
    return visible
  }
  const project = caller.projects.find((one) => one.name === name)
  if (project === undefined) {
    const names = writable.map((one) => one.name).join(', ') || 'none'
    const detail = `must be a project of yours: ${names}`
    throw new TrainyardError('unprocessable', `project ${detail}`, {
      issues: [{ path: 'project', detail, value: name }],
    })
  }
  requireCan(caller, action, { organisationId: project.organisationId, projectId: project.id })
  return project
}
