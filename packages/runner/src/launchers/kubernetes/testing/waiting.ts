import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptRef, Launcher, Observation, OutputLine } from '../../launcher.ts'

/** Waits until the attempt is in one of these states. */
export async function waitForState<S extends Observation['state']>(
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
  throw new Error(`expected the state ${states.join(' or ')}, got ${JSON.stringify(last) ?? String(last)}`)
}

function isOneOf<S extends Observation['state']>(
  observation: Observation,
  states: readonly S[],
): observation is Extract<Observation, { state: S }> {
  return states.some((state) => state === observation.state)
}

/** Reads the output, like the supervisor, until a line contains this text. Ignores errors. */
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
  throw new Error(`no line with "${last}" in ${lines.length} lines, the last one: ${lines.at(-1)?.text}`)
}
