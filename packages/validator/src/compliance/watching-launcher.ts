import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptRef, Launcher, Observation, OutputPosition } from '@trainyard/runner'
import type { ProcessEnd } from './record.ts'
import type { ProcessWatch } from './watch-processes.ts'

/** What is known about the process of an attempt. */
interface WatchedProcess {
  /** Undefined if its end was not observed. */
  readonly end: ProcessEnd | undefined
  readonly output: readonly string[]
  /** The size of the whole output. */
  readonly outputBytes: number
}

export interface WatchingLauncher extends Launcher {
  /** Tokens given to trainers. */
  readonly tokens: ReadonlySet<string>
  /** Waits a few seconds for the process to end, and returns what is known about it. */
  watched(ref: AttemptRef): Promise<WatchedProcess>
}

/** How much of an output is kept: its start, and what was read last. */
const KEPT_OUTPUT = 8 * 1024 * 1024
const POLL_MS = 25

/** Wraps a launcher and keeps exit codes and output after the runner has removed an attempt. */
export function watchLauncher(
  inner: Launcher,
  { exitWaitMs, processes }: { exitWaitMs: number; processes: ProcessWatch },
): WatchingLauncher {
  const tokens = new Set<string>()
  const seen = new Map<string, WatchedProcess>()
  const stopped = new Set<string>()
  const key = ({ jobId, attempt }: AttemptRef) => `${jobId}/${attempt}`

  const watch = async (ref: AttemptRef): Promise<WatchedProcess> => {
    const deadline = performance.now() + exitWaitMs
    let observation = await inner.observe(ref)
    while (observation.state === 'running' && performance.now() < deadline) {
      await sleep(POLL_MS)
      observation = await inner.observe(ref)
    }
    const known = seen.get(key(ref))
    if (observation.state === 'absent' && known) return known
    const { lines, bytes } = await readAllOutput(inner, ref).catch(() => ({ lines: [], bytes: 0 }))
    const end = toEnd(observation, stopped.has(key(ref))) ?? known?.end
    // While the attempt's folder is being deleted, its output can be gone already.
    const output = lines.length > 0 ? lines : (known?.output ?? [])
    const watched = { end, output, outputBytes: Math.max(bytes, known?.outputBytes ?? 0) }
    seen.set(key(ref), watched)
    return watched
  }

  return {
    ...inner,
    tokens,
    launch(request, options) {
      tokens.add(request.token)
      processes.start(request)
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

/** One read returns a part of a large output. */
async function readAllOutput(inner: Launcher, ref: AttemptRef): Promise<{ lines: string[]; bytes: number }> {
  const kept: string[] = []
  let keptLength = 0
  let last: string[] = []
  let counted = 0
  let position: OutputPosition = { stdout: 0, stderr: 0 }
  for (;;) {
    const read = await inner.logs(ref, position, { final: true })
    const texts = read.lines.map(({ text }) => text)
    counted += texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0)
    if (keptLength < KEPT_OUTPUT) {
      kept.push(...texts)
      keptLength += texts.reduce((sum, text) => sum + text.length, 0)
    } else last = texts
    const isAtEnd = read.position.stdout === position.stdout && read.position.stderr === position.stderr
    // A position in the output of a container is a time.
    const bytes = inner.runs === 'folder' ? position.stdout + position.stderr : counted
    if (isAtEnd) return { lines: [...kept, ...last], bytes }
    position = read.position
  }
}

function toEnd(observation: Observation, stopped: boolean): ProcessEnd | undefined {
  if (observation.state !== 'exited') return undefined
  return { exitCode: observation.exitCode, signal: observation.signal, stopped }
}
