import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { BodyLimits } from './body-limits.ts'
import { readJsonText } from './read-body.ts'

const JSON_TYPE = /^application\/([\w.-]+\+)?json$/i

/** Reads and measures the JSON body of a route before the framework parses it. A body of another type is refused unread. */
export function bodyGate(limits: BodyLimits): MiddlewareHandler {
  return async (c, next) => {
    const [type = ''] = (c.req.header('content-type') ?? '').split(';')
    if (!JSON_TYPE.test(type.trim())) throw new HTTPException(415)
    const text = await readJsonText(c.req.raw, limits)
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) })
    await next()
  }
}
