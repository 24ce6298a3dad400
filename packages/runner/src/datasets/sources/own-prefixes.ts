/** Prefixes of the platform's own store that hold the platform's own objects. They cannot be sources. */
const OWN_PREFIXES = ['datasets/', 'snapshots/', 'jobs/', 'registry/']

/** The platform's own prefix that `prefix` overlaps; undefined for none. */
export function findOwnPrefix(prefix: string): string | undefined {
  return OWN_PREFIXES.find((own) => own.startsWith(prefix) || prefix.startsWith(own))
}

/** A prefix that ends with a slash, so that `cells` does not include `cells-2`. The empty prefix is the whole bucket. */
export function toFolderPrefix(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
}
