const TIMEOUT_MS = 4000
/** The ports of the servers, when PORT names none: a container has one of them. */
const PORTS = ['7600', '7601', '7602']

/**
 * The exit code of the health check: 0 if the server of this container is ready, or, with URLs, if each of them answers. Says
 * why not.
 */
export async function readHealth(
  urls: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  if (urls.length > 0) {
    const reasons = (await Promise.all(urls.map(problemOf))).filter((reason) => reason !== undefined)
    return report(reasons)
  }
  const reasons: string[] = []
  for (const port of env.PORT ? [env.PORT] : PORTS) {
    const reason = await problemOf(`http://127.0.0.1:${port}/readyz`)
    if (reason === undefined) return 0
    reasons.push(reason)
  }
  return report(reasons)
}

function report(reasons: readonly string[]): number {
  if (reasons.length === 0) return 0
  process.stderr.write(`${reasons.join('\n')}\n`)
  return 1
}

async function problemOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    return response.ok ? undefined : `${url} answered ${response.status}: ${(await response.text()).slice(0, 200)}`
  } catch (error) {
    return `${url} did not answer: ${error instanceof Error ? (error.cause ?? error) : error}`
  }
}
