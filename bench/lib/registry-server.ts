/** A registry in a process of its own: sends `{url}` to its parent, and stops when that is gone. */
import { start } from '../../packages/registry/src/serve.ts'

const served = await start(process.env)
process.send?.({ url: served.url })
process.once('disconnect', () => void served.stop().finally(() => process.exit(0)))
