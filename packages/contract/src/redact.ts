/** Takes signatures out of addresses: everything behind the `?` of a URL with a query. And `secrets` wherever they stand. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text.replace(/(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]+/g, '$1?…')
  for (const secret of secrets) if (secret.length >= 8) clean = clean.replaceAll(secret, '…')
  return clean
}
