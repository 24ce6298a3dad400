import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { refusalFrom } from '../people/refusal.ts'
import { withQuery } from '../query.ts'
import { showTrainer } from './show-trainer.tsx'

const text = z.string().trim().catch('')
const Form = z.object({ channel: text, message: text, replacement: text, reason: text })

/** The forms of a trainer's owner. */
export function manageRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function change(
    c: Context<WebEnv, '/trainers/:namespace/:name/versions/:version'>,
    action: (name: string, version: string, form: z.infer<typeof Form>) => Promise<void>,
  ) {
    const name = `${c.req.param('namespace')}/${c.req.param('name')}`
    const version = c.req.param('version')
    const form = Form.parse(await c.req.parseBody())
    const refusal = await refusalFrom(() => action(name, version, form))
    if (refusal !== undefined)
      return await showTrainer(context, c, { name, version, problem: refusal.problem, status: refusal.status })
    return c.redirect(`${withQuery(`/trainers/${name}`, { version, done: 'yes' })}#manage`, 303)
  }

  const path = '/trainers/:namespace/:name/versions/:version'
  app.post(`${path}/channel`, (c) =>
    change(c, (name, version, { channel }) => context.client.trainers.setChannel(name, { name: channel, version })),
  )
  app.post(`${path}/channels/:channel/remove`, (c) =>
    change(c, (name) => context.client.trainers.removeChannel(name, c.req.param('channel'))),
  )
  app.post(`${path}/deprecate`, (c) =>
    change(c, (name, version, { message, replacement }) =>
      context.client.trainers.deprecate(name, version, { message, replacement: replacement || undefined }),
    ),
  )
  app.post(`${path}/undeprecate`, (c) =>
    change(c, (name, version) => context.client.trainers.undeprecate(name, version)),
  )
  app.post(`${path}/yank`, (c) =>
    change(c, (name, version, { reason }) => context.client.trainers.yank(name, version, { reason })),
  )
  app.post(`${path}/unyank`, (c) => change(c, (name, version) => context.client.trainers.unyank(name, version)))
  return app
}
