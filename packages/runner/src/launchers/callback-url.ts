const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

export function isLoopback(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname)
}

/** In a container loopback is the container itself: a platform there is found under another host. */
export function reachableFromContainers(url: string, host: string): string {
  const parsed = new URL(url)
  if (isLoopback(url)) parsed.hostname = host
  return parsed.href.replace(/\/$/, '')
}
