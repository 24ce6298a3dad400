/** What the rules of secretlint do not find. */
interface OwnRule {
  id: string
  pattern: RegExp
  /** Files to which it applies, by their name. Default: all. */
  file?: RegExp | undefined
}

const OWN_RULES: readonly OwnRule[] = [
  // The documentation of AWS uses ids that end in EXAMPLE.
  { id: 'AWS_ACCESS_KEY_ID', pattern: /\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE\b)[A-Z2-7][A-Z0-9]{15}\b/g },
  {
    // Also in one line of JSON, with its line breaks written as "\n".
    id: 'PRIVATE_KEY',
    pattern:
      /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|\s)+(?:[A-Za-z-]+: [^\n]{1,200}\n){0,5}\s*(?:[A-Za-z0-9+/=]|\\[rn]|\s){64}/g,
  },
  {
    id: 'WANDB_API_KEY',
    pattern: /\bWANDB_API_KEY["'\s:=]{1,6}[0-9a-f]{40}\b|\bapi\.wandb\.ai\s+login\s+\S+\s+password\s+[0-9a-f]{40}\b/g,
  },
  { id: 'PYPI_TOKEN', pattern: /\bpypi-AgE[A-Za-z0-9_-]{50,}/g },
  {
    id: 'DOCKER_REGISTRY_PASSWORD',
    file: /^(?:config\.json|\.dockercfg|\.dockerconfigjson)$/,
    pattern: /"auth"\s*:\s*"[A-Za-z0-9+/]{12,}={0,2}"/g,
  },
  {
    id: 'NETRC_PASSWORD',
    file: /^[._]netrc$/,
    pattern: /\bmachine\s+\S+\s+login\s+\S+\s+password\s+\S+/g,
  },
  { id: 'KAGGLE_KEY', file: /^kaggle\.json$/, pattern: /"key"\s*:\s*"[0-9a-f]{32}"/g },
]

export interface OwnMatch {
  id: string
  /** In characters from the start of the text. */
  offset: number
}

export function searchByOwnRules(fileName: string, text: string): OwnMatch[] {
  return OWN_RULES.filter(({ file }) => file === undefined || file.test(fileName)).flatMap(({ id, pattern }) =>
    [...text.matchAll(pattern)].map(({ index }) => ({ id, offset: index })),
  )
}
