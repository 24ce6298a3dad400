import type { Publisher } from '@trainyard/contract'

/** What a job of the repository must be: `workflow release.yml, ref refs/tags/v*`. */
export function describeConditions({ workflow, environment, ref }: Publisher): string {
  return Object.entries({ workflow, environment, ref })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
