import { z } from 'zod'
import { askBackend, BackendAnswer, refuseFinal } from '../http.ts'
import type { ClearmlConfig } from './config.ts'

const Login = z.object({ data: z.object({ token: z.string() }) })

/** Calls of ClearML's API: `POST {host}/{service}.{action}`, the answer's `data` inside an envelope. */
export interface ClearmlClient {
  call<T>(method: string, body: unknown, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>
  /** `events.add_batch` takes one JSON object a line. */
  addEvents(events: readonly object[], signal: AbortSignal): Promise<void>
}

export function createClearmlClient(config: ClearmlConfig): ClearmlClient {
  const origin = config.apiHost.replace(/\/+$/, '')
  let token: string | undefined

  const login = async (signal: AbortSignal): Promise<string> => {
    const basic = Buffer.from(`${config.accessKey}:${config.secretKey}`).toString('base64')
    const answer = await askBackend(`${origin}/auth.login`, {
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
      body: '{}',
      signal,
    })
    return Login.parse(JSON.parse(answer)).data.token
  }

  const send = async (method: string, body: string, contentType: string, signal: AbortSignal): Promise<string> => {
    const ask = async () => {
      token ??= await login(signal)
      const headers = { authorization: `Bearer ${token}`, 'content-type': contentType }
      return await askBackend(`${origin}/${method}`, { headers, body, signal })
    }
    return await ask().catch(async (error: unknown) => {
      if (!(error instanceof BackendAnswer) || error.status !== 401 || token === undefined) throw error
      // Tokens live for some days.
      token = undefined
      return await ask()
    })
  }

  return {
    async call(method, body, schema, signal) {
      const answer = await send(method, JSON.stringify(body), 'application/json', signal).catch(refuseFinal)
      return z.object({ data: schema }).parse(JSON.parse(answer)).data as z.infer<typeof schema>
    },
    async addEvents(events, signal) {
      const lines = events.map((event) => JSON.stringify(event)).join('\n')
      await send('events.add_batch', lines, 'application/json-lines', signal).catch(refuseFinal)
    },
  }
}
