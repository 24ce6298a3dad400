import { type Finding, MANIFEST_FILE_NAME } from '@trainyard/contract'
import { type Baseline, IN_BASELINE } from './baseline.ts'
import { type Ignores, isExpired } from './read-config.ts'

export interface SuppressOptions {
  readonly ignores: readonly Ignores[]
  readonly baseline: Baseline | undefined
}

/** Marks findings that an ignore or the baseline covers. A finding without a file counts as one of trainer.json. */
export function suppress(findings: readonly Finding[], { ignores, baseline }: SuppressOptions): Finding[] {
  return findings.map((finding) => {
    const { code, file = MANIFEST_FILE_NAME, fingerprint } = finding
    const ignore = ignores.find((one) => code.startsWith(one.rule) && one.matches(file) && !isExpired(one))
    const reason = ignore ? `${ignore.reason} (until ${ignore.expires})` : undefined
    const suppressed = reason ?? (baseline?.has(fingerprint) ? IN_BASELINE : undefined)
    if (suppressed === undefined || code === CONFIG_RULE) return finding
    return { ...finding, suppressed: { reason: suppressed, at: new Date().toISOString() } }
  })
}

/** The rule about the config itself. It cannot be ignored. */
const CONFIG_RULE = 'TY114'
