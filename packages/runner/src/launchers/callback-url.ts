const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

export function isLoopback(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname)
}

/** Replaces a loopback host, which inside a container is the container itself, by a host that leads to this machine. */
export function reachableFromContainers(url: string, host: string): string {
  const parsed = new URL(url)
  if (isLoopback(url)) parsed.hostname = host
  return parsed.href.replace(/\/$/, '')
}
