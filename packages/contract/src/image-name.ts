/** The name of an image, in parts. */
export interface ImageName {
  /** Host and port of its registry. */
  readonly host: string
  readonly repository: string
  /** A tag, or a digest. */
  readonly reference: string
}

const NAME =
  /^(?:(?<host>(?:localhost|[\w-]+(?:\.[\w-]+)+|[\w.-]+(?=:\d))(?::\d+)?|\[[\da-f:]+\](?::\d+)?)\/)?(?<repository>[a-z\d]+(?:(?:[._-]|__|-+|\/)[a-z\d]+)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[\da-f]{64}))?$/

/** Parses the name of an image as container engines do. Undefined: it is not one, or has neither a tag nor a digest. */
export function parseImageName(text: string): ImageName | undefined {
  const { host, repository, tag, digest } = NAME.exec(text)?.groups ?? {}
  const reference = digest ?? tag
  if (repository === undefined || reference === undefined) return undefined
  if (host !== undefined && host !== 'docker.io') return { host, repository, reference }
  return {
    host: 'registry-1.docker.io',
    repository: repository.includes('/') ? repository : `library/${repository}`,
    reference,
  }
}

/** What a registry is asked for by `Accept`: manifests of images and their indexes, of OCI and of Docker. */
export const IMAGE_MANIFEST_TYPES: string = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** Registries on this machine are asked without encryption, as container engines do. */
export function originOfRegistry({ host }: ImageName): string {
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(host)
  return `${isLocal ? 'http' : 'https'}://${host}`
}
