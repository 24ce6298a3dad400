import { createHash } from 'node:crypto'
import type { Finding, Severity } from '@trainyard/contract'
import { ruleDocsUrl } from '../rule.ts'

/** A rule for images. What it finds is decided where the image is read. */
interface ImageRule {
  readonly severity: Severity
  readonly help: string
}

/** The rules for images, which the registry applies to what is pushed. */
export const IMAGE_RULES = {
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
} as const satisfies Record<string, ImageRule>

export type ImageRuleCode = keyof typeof IMAGE_RULES

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

export function createImageFinding(code: ImageRuleCode, message: string, details: FindingDetails = {}): Finding {
  return completeFinding(code, IMAGE_RULES[code], message, details)
}

/** A finding with the severity and the help of its rule, its fingerprint and its page. */
export function completeFinding(code: string, rule: ImageRule, message: string, details: FindingDetails): Finding {
  const { file, line, column, layer, severity = rule.severity, help = rule.help, subject = message } = details
  const fingerprint = createHash('sha256')
    .update(`${code}\n${file ?? ''}\n${subject}`)
    .digest('hex')
    .slice(0, 16)
  return { code, severity, message, file, line, column, layer, fingerprint, help, docsUrl: ruleDocsUrl(code) }
}
