/** A path and its extension with the dot. A name that only begins with a dot has no extension. */
export function splitExtension(path: string): { stem: string; extension: string } {
  const dot = path.lastIndexOf('.')
  return dot <= path.lastIndexOf('/') + 1
    ? { stem: path, extension: '' }
    : { stem: path.slice(0, dot), extension: path.slice(dot) }
}
