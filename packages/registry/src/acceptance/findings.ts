import { createHash } from 'node:crypto'
import type { Finding, Severity } from '@trainyard/contract'

interface RegistryRule {
  severity: Severity
  help: string
}

/**
 * The registry's own rules. Codes that end in 90 and above are reserved for them. The rules for secrets are those of the
 * validator, which searches bundles; the registry searches images with the same code.
 */
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
  TY193: {
    severity: 'error',
    help: 'Copy the same trainer.json into the image of each platform.',
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
  TY292: {
    severity: 'error',
    help: 'Build the image again with "docker build" or another usual tool, which writes layers that all container engines read alike.',
  },
  TY293: {
    severity: 'error',
    help: 'Build and push the image again. Its config must name the digest of each unpacked layer.',
  },
  TY294: {
    severity: 'warning',
    help: 'Add a user to the Dockerfile and name it with USER, for example "USER 10001".',
  },
  TY295: {
    severity: 'warning',
    help: 'Remove the bits with "chmod a-s" if the trainer does not need the program.',
  },
  TY296: {
    severity: 'warning',
    help: 'Remove the permission with "chmod o-w". The trainer writes to WORK_DIR.',
  },
  TY297: {
    severity: 'warning',
    help: 'Set ENTRYPOINT or CMD to the command that trains.',
  },
  TY298: {
    severity: 'warning',
    help: 'Remove the device. The container engine creates those that a program needs.',
  },
  TY299: {
    severity: 'warning',
    help: 'Remove build tools, caches and datasets from the image, or use a smaller base image.',
  },
  TY301: {
    severity: 'error',
    help: 'Revoke the secret, then remove it from the file and from its history. A file that a later layer deletes is still in the image.',
  },
  TY302: {
    severity: 'info',
    help: 'Check these files yourself. They may contain secrets that were not found.',
  },
  TY390: {
    severity: 'error',
    help: 'Revoke the secret. Use RUN --mount=type=secret for the build. At run time the platform gives the trainer its own token.',
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

export interface FindingDetails {
  file?: string | undefined
  line?: number | undefined
  column?: number | undefined
  /** The digest of the layer that holds the file. */
  layer?: string | undefined
  /** Default: that of the rule. */
  severity?: Severity | undefined
  help?: string | undefined
  /** Replaces the message in the fingerprint. Needed when the message contains numbers that change between runs. */
  subject?: string | undefined
}

export function createFinding(code: RegistryRuleCode, message: string, details: FindingDetails = {}): Finding {
  const rule = REGISTRY_RULES[code]
  const { file, line, column, layer, severity = rule.severity, help = rule.help, subject = message } = details
  const fingerprint = createHash('sha256')
    .update(`${code}\n${file ?? ''}\n${subject}`)
    .digest('hex')
    .slice(0, 16)
  return {
    code,
    severity,
    message,
    file,
    line,
    column,
    layer,
    fingerprint,
    help,
    docsUrl: `https://github.com/trainyard/trainyard/blob/main/docs/rules/${code}.md`,
  }
}
