/** A path as case-insensitive file systems compare it: lower case because Windows ignores case, NFC because macOS stores names in another form. */
export function foldPath(path: string): string {
  return path.normalize('NFC').toLowerCase()
}
