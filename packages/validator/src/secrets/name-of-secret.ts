const SECRET_NAME =
  /(?:^|_)(?:pass(?:word|wd|phrase)?|secret|token|credentials?|(?:api|access|private|signing)_?key)(?:$|_)/i
/** Names of variables that describe a secret without containing it: its file, its user, its lifetime. */
const HARMLESS_NAME = /_(?:file|path|dir|url|uri|name|id|ttl|length|limit)$/i

/** Whether a variable with this name usually holds a secret, for example `HF_TOKEN`. */
export function isNameOfSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !HARMLESS_NAME.test(name)
}
