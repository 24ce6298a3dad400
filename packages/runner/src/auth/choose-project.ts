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
 * Chooses the project of a new resource: the named one, else the first project that the caller can write to.
 *
 * @throws TrainyardError `unprocessable` for a project that the caller cannot see, `forbidden` for one that the caller can
 * see but not write to
 */
export function chooseProject(caller: Caller, action: Action, name: string | undefined): CallerProject {
  requireScope(caller, action)
  const writable = projectsFor(caller, action)
  if (name === undefined) {
    const [first] = writable
    if (first !== undefined) return first
    const [visible] = caller.projects
    if (visible === undefined)
      throw new TrainyardError('forbidden', 'You have no project: create an organisation, or ask to be added to one')
    requireCan(caller, action, { organisationId: visible.organisationId, projectId: visible.id })
    return visible
  }
  const project = caller.projects.find((one) => one.name === name)
  if (project === undefined) {
    const names = writable.map((one) => one.name).join(', ') || 'none'
    const detail = `must be one of your projects: ${names}`
    throw new TrainyardError('unprocessable', `project ${detail}`, {
      issues: [{ path: 'project', detail, value: name }],
    })
  }
  requireCan(caller, action, { organisationId: project.organisationId, projectId: project.id })
  return project
}
