import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptRef, Launcher, Observation } from '@trainyard/runner'
import type { ProcessEnd } from './record.ts'

/** What is known about the process of an attempt. */
interface WatchedProcess {
  /** Undefined if its end was not observed. */
  readonly end: ProcessEnd | undefined
  readonly output: readonly string[]
}

export interface WatchingLauncher extends Launcher {
  /** Tokens given to trainers. */
  readonly tokens: ReadonlySet<string>
  /** Waits a few seconds for the process to end, and returns what is known about it. */
  watched(ref: AttemptRef): Promise<WatchedProcess>
}

/** How long a process may take to exit after its terminal event. */
const EXIT_WAIT_MS = 5000
const POLL_MS = 25

/** Wraps a launcher and keeps exit codes and output after the runner has removed an attempt. */
export function watchLauncher(inner: Launcher): WatchingLauncher {
  const tokens = new Set<string>()
  const seen = new Map<string, WatchedProcess>()
  const stopped = new Set<string>()
  const key = ({ jobId, attempt }: AttemptRef) => `${jobId}/${attempt}`

  const watch = async (ref: AttemptRef): Promise<WatchedProcess> => {
    const deadline = performance.now() + EXIT_WAIT_MS
    let observation = await inner.observe(ref)
    while (observation.state === 'running' && performance.now() < deadline) {
      await sleep(POLL_MS)
      observation = await inner.observe(ref)
    }
    const known = seen.get(key(ref))
    if (observation.state === 'absent' && known) return known
    const { lines } = await inner.logs(ref, { stdout: 0, stderr: 0 }, { final: true }).catch(() => ({ lines: [] }))
    const end = toEnd(observation, stopped.has(key(ref))) ?? known?.end
    // While the attempt's folder is being deleted, its output can be gone already.
    const output = lines.length > 0 ? lines.map((line) => line.text) : (known?.output ?? [])
    const watched = { end, output }
    seen.set(key(ref), watched)
    return watched
  }

  return {
    ...inner,
    tokens,
    launch(request, options) {
      tokens.add(request.token)
      return inner.launch(request, options)
    },
    async stop(ref, graceMs) {
      if ((await inner.observe(ref)).state === 'running') stopped.add(key(ref))
      await inner.stop(ref, graceMs)
    },
    async remove(ref) {
      await watch(ref)
      await inner.remove(ref)
    },
    watched: watch,
  }
}

function toEnd(observation: Observation, stopped: boolean): ProcessEnd | undefined {
  if (observation.state !== 'exited') return undefined
  return { exitCode: observation.exitCode, signal: observation.signal, stopped }
}
