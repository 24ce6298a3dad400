/** Removes the query of every URL, which can contain a signature, and every occurrence of `secrets`. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text.replace(/(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]+/g, '$1?…')
  for (const secret of secrets) if (secret.length >= 8) clean = clean.replaceAll(secret, '…')
  return clean
}
