import type { Finding, Severity } from '@trainyard/contract'
import { completeFinding, type FindingDetails, IMAGE_RULES } from '@trainyard/validator/image'

interface RegistryRule {
  severity: Severity
  help: string
}

/**
 * The registry's own rules. Codes that end in 90 and above are reserved for them. The rules for images are those of the
 * validator, which checks images before they are pushed.
 */
const REGISTRY_RULES = {
  ...IMAGE_RULES,
  TY190: {
    severity: 'error',
    help: 'Set "name" and "version" in trainer.json to the repository and tag that you push to, or push to those in trainer.json.',
  },
  TY194: {
    severity: 'error',
    help: 'List only images, and their signatures and attestations, in the index. Push bundles and other artifacts separately.',
  },
  TY195: {
    severity: 'error',
    help: 'Build the image without the archive of a bundle, or first publish the bundle that it belongs to.',
  },
  TY290: {
    severity: 'error',
    help: 'Pack the folder with "trainyard publish", which includes only regular files and folders.',
  },
  TY291: {
    severity: 'error',
    help: 'Push again with "trainyard publish", which creates the config from trainer.json.',
  },
  TY391: {
    severity: 'error',
    help: 'Remove the file. If it is harmless, report it to ClamAV as a false positive: https://www.clamav.net/reports/fp',
  },
  TY392: {
    severity: 'error',
    help: 'Update the package to a version without the vulnerability.',
  },
  TY393: {
    severity: 'info',
    help: 'Check this file yourself, or make it smaller: it was not scanned.',
  },
} as const satisfies Record<string, RegistryRule>

export type RegistryRuleCode = keyof typeof REGISTRY_RULES

export function createFinding(code: RegistryRuleCode, message: string, details: FindingDetails = {}): Finding {
  return completeFinding(code, REGISTRY_RULES[code], message, details)
}
