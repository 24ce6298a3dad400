import { TrainyardError } from '../../errors.ts'
import type { Bearer, BearerCheck } from '../object-store.ts'
import type { Grant } from './signed-url.ts'

export const formatBearer = ({ kind, id }: Bearer): string => `${kind}:${id}`

/** How this process finds out whether the bearers of signed URLs are valid. */
export class BearerChecks {
  readonly #checks = new Map<string, BearerCheck>()

  set(kind: Bearer['kind'], check: BearerCheck): void {
    this.#checks.set(kind, check)
  }

  /** @throws TrainyardError `forbidden` when the bearer of a grant is not valid any longer, or cannot be checked here */
  async require({ bearer }: Grant): Promise<void> {
    if (bearer === undefined) return
    const [, kind = '', id = ''] = /^(\w+):(.*)$/.exec(bearer) ?? []
    const check = this.#checks.get(kind)
    if (check === undefined)
      throw new TrainyardError(
        'forbidden',
        `This server cannot check for whom the URL was signed (${kind.slice(0, 20)})`,
      )
    if (await check(id)) return
    throw new TrainyardError(
      'forbidden',
      `The ${REASONS[kind] ?? kind}, for which this URL was signed; request a new one`,
    )
  }
}

const REASONS: Record<string, string> = {
  token: 'token or session has ended',
  attempt: 'attempt of the job has ended',
}
