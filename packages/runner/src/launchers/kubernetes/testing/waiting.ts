import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptRef, Launcher, Observation, OutputLine } from '../../launcher.ts'

/** The first observation that is of one of these states; the cluster takes its time. */
export async function seen<S extends Observation['state']>(
  launcher: Launcher,
  ref: AttemptRef,
  states: readonly S[],
  timeoutMs = 90_000,
): Promise<Extract<Observation, { state: S }>> {
  const endsAt = performance.now() + timeoutMs
  let last: unknown
  while (performance.now() < endsAt) {
    try {
      const observation = await launcher.observe(ref)
      last = observation
      if (isOneOf(observation, states)) return observation
    } catch (error) {
      last = error
    }
    await sleep(100)
  }
  throw new Error(`it was never ${states.join(' or ')}; last: ${JSON.stringify(last) ?? String(last)}`)
}

function isOneOf<S extends Observation['state']>(
  observation: Observation,
  states: readonly S[],
): observation is Extract<Observation, { state: S }> {
  return states.some((state) => state === observation.state)
}

/** Reads on as the supervisor does, errors and all, until a line says so. */
export async function readUntil(
  launcher: Launcher,
  ref: AttemptRef,
  last: string,
  timeoutMs = 90_000,
): Promise<OutputLine[]> {
  const lines: OutputLine[] = []
  let position = { stdout: 0, stderr: 0 }
  const endsAt = performance.now() + timeoutMs
  while (performance.now() < endsAt) {
    const next = await launcher.logs(ref, position).catch(() => undefined)
    if (next !== undefined) {
      lines.push(...next.lines)
      position = next.position
      if (next.lines.some(({ text }) => text.includes(last))) return lines
    }
    await sleep(100)
  }
  throw new Error(`it never said ${last}; ${lines.length} lines, last: ${lines.at(-1)?.text}`)
}
