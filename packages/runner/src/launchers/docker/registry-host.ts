/** The part before the first slash if it is a host, otherwise Docker Hub. */
export function registryHost(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost ? first : 'index.docker.io'
}
