import type { ObjectStore } from '@trainyard/platform'
import type { MiddlewareHandler } from 'hono'
import type { Launcher } from '../../launchers/launcher.ts'
import type { RunnerTelemetry } from './telemetry.ts'

/** The routes of trainers' reports. Their other routes are for files. */
const INTAKE_PATH =
  /^\/(?:v1\/jobs\/[^/]+|api\/v1\/.+\/callback)\/(events|heartbeat|event|done|progress|log|started|completion)$/

/** The endpoint of a trainer's report. Undefined: the request is not a report. */
export function reportOf(method: string, path: string): string | undefined {
  return method === 'POST' ? INTAKE_PATH.exec(path)?.[1] : undefined
}

/** Counts and times trainers' reports. Reads only the path and the status, not the body. */
export function intakeMetrics(telemetry: RunnerTelemetry): MiddlewareHandler {
  return async (c, next) => {
    const endpoint = reportOf(c.req.method, c.req.path)
    if (endpoint === undefined) return await next()
    const stop = telemetry.intake.seconds.startTimer({ endpoint })
    await next()
    stop()
    telemetry.intake.requests.inc({ endpoint, status: c.res.status })
    if (c.res.status === 429) telemetry.intake.throttled.inc()
  }
}

/** Wraps a launcher and measures launches. */
export function timedLauncher(launcher: Launcher, telemetry: RunnerTelemetry): Launcher {
  return new Proxy(launcher, {
    get(target, name) {
      if (name !== 'launch') return bound(target, name)
      return async (...args: Parameters<Launcher['launch']>) => {
        const stop = telemetry.attempts.launch.startTimer({ launcher: target.name })
        try {
          await target.launch(...args)
          stop({ outcome: 'ok' })
        } catch (error) {
          stop({ outcome: 'error' })
          throw error
        }
      }
    },
  })
}

/** Calls that send requests. Signing is local, and the duration of a list depends on its reader. */
const TIMED_CALLS = new Set<PropertyKey>([
  'put',
  'get',
  'find',
  'delete',
  'deletePrefix',
  'rename',
  'createMultipart',
  'putPart',
  'completeMultipart',
  'abortMultipart',
])

/** Wraps an object store and measures its calls. */
export function timedStore<S extends ObjectStore>(store: S, telemetry: RunnerTelemetry): S {
  return new Proxy(store, {
    get(target, name) {
      const value = bound(target, name)
      if (typeof value !== 'function' || !TIMED_CALLS.has(name)) return value
      return async (...args: unknown[]) => {
        const stop = telemetry.objectStore.startTimer({ operation: String(name) })
        try {
          const result: unknown = await Reflect.apply(value, target, args)
          stop({ outcome: 'ok' })
          return result
        } catch (error) {
          stop({ outcome: isMissing(error) ? 'missing' : 'error' })
          throw error
        }
      }
    },
  })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'not_found'
}

/** A property of the target. Methods are bound to it. */
function bound(target: object, name: PropertyKey): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}
