import { isHttpUrl } from '@trainyard/contract'
import { TrainyardClientError } from '../errors.ts'

/** One server and the credentials for it. */
export interface Connection {
  /** Origin, or origin and path prefix, without a trailing slash. */
  baseUrl: string
  token: string | undefined
  fetch: typeof fetch
}

/** Checks the address when the first request is made. Throws when it is missing or is not a URL. */
export type Connect = () => Connection

export interface CreateConnectionOptions {
  server: 'registry' | 'runner'
  url: string | undefined
  token: string | undefined
  fetch: typeof fetch
}

export function createConnection({ server, url, token, fetch }: CreateConnectionOptions): Connect {
  return () => {
    if (url === undefined)
      throw new TrainyardClientError('no_address', `This call needs a ${server}: pass "${server}Url" to createClient`)
    if (!isHttpUrl(url))
      throw new TrainyardClientError('no_address', `"${server}Url" must be an http or https address, not "${url}"`)
    return { baseUrl: url.replace(/\/+$/, ''), token, fetch }
  }
}
