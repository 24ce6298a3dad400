import type { ObjectStore } from '@trainyard/platform'
import type { MiddlewareHandler } from 'hono'
import type { Launcher } from '../../launchers/launcher.ts'
import type { RunnerTelemetry } from './telemetry.ts'

/** The paths under which trainers report; everything else of theirs is about files. */
const INTAKE_PATH =
  /^\/(?:v1\/jobs\/[^/]+|api\/v1\/.+\/callback)\/(events|heartbeat|event|done|progress|log|started|completion)$/

/** What a trainer reports with this request; undefined when it does not report. */
export function reportOf(method: string, path: string): string | undefined {
  return method === 'POST' ? INTAKE_PATH.exec(path)?.[1] : undefined
}

/** Counts and times what trainers send. It looks at paths and answers only: bodies are left alone. */
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

/** The same launcher, timed. */
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

/** The calls that go to the store; signing is arithmetic, and listing lasts as long as its reader likes. */
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

/** The same store, timed. */
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

/** A property as its owner has it: methods keep their object. */
function bound(target: object, name: PropertyKey): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}
