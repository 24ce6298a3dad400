import { createHash } from 'node:crypto'
import type { Finding, Severity } from '@trainyard/contract'

interface RegistryRule {
  severity: Severity
  help: string
}

/** The registry's own rules, which run before the validator. Codes that end in 90 and above are reserved for them. */
const REGISTRY_RULES = {
  TY190: {
    severity: 'error',
    help: 'Set "name" and "version" in trainer.json to the repository and tag that you push to, or push to those in trainer.json.',
  },
  TY191: {
    severity: 'error',
    help: 'Correct the fields of trainer.json. trainyard-validate reports the same findings before you push.',
  },
  TY192: {
    severity: 'error',
    help: 'Copy trainer.json to the root of the image, or set the label dev.trainyard.manifest to its path.',
  },
  TY290: {
    severity: 'error',
    help: 'Pack the folder with "trainyard publish", which includes only regular files and folders.',
  },
  TY291: {
    severity: 'error',
    help: 'Push again with "trainyard publish", which creates the config from trainer.json.',
  },
} as const satisfies Record<string, RegistryRule>

export type RegistryRuleCode = keyof typeof REGISTRY_RULES

export function createFinding(code: RegistryRuleCode, message: string, file?: string): Finding {
  const { severity, help } = REGISTRY_RULES[code]
  const fingerprint = createHash('sha256')
    .update(`${code}\n${file ?? ''}\n${message}`)
    .digest('hex')
    .slice(0, 16)
  return {
    code,
    severity,
    message,
    file,
    fingerprint,
    help,
    docsUrl: `https://github.com/trainyard/trainyard/blob/main/docs/rules/${code}.md`,
  }
}
