import { CheckName } from '@trainyard/contract'
import type { PartKind } from '../db/schema/version-parts.ts'

/** The three switches of a check. */
export interface CheckSwitches {
  /** Whether it runs. */
  enabled: boolean
  /** Whether its errors reject the version. Otherwise they are only shown. */
  enforced: boolean
  /** Whether it must have passed for the version to count as checked, even if it is switched off. */
  required: boolean
}

export type CheckPolicy = Readonly<Record<CheckName, CheckSwitches>>

/** A version without a valid manifest has no name and no entry point, so its check cannot be switched off. */
export const ALWAYS_ON: CheckName = 'manifest'

/** Scanners that an operator has to add are not required. */
export const REQUIRED_BY_DEFAULT: readonly CheckName[] = ['manifest', 'image', 'secrets', 'compliance']

/** Creates the policy from the names in each list. Without a list: everything runs and is enforced. */
export function createCheckPolicy({
  enabled = CheckName.options,
  enforced = CheckName.options,
  required = REQUIRED_BY_DEFAULT,
}: {
  enabled?: readonly CheckName[] | undefined
  enforced?: readonly CheckName[] | undefined
  required?: readonly CheckName[] | undefined
} = {}): CheckPolicy {
  const switches = (name: CheckName): CheckSwitches => {
    const isOn = name === ALWAYS_ON || enabled.includes(name)
    return {
      enabled: isOn,
      enforced: name === ALWAYS_ON || (isOn && enforced.includes(name)),
      required: name === ALWAYS_ON || required.includes(name),
    }
  }
  return {
    manifest: switches('manifest'),
    image: switches('image'),
    secrets: switches('secrets'),
    malware: switches('malware'),
    sbom: switches('sbom'),
    vulnerabilities: switches('vulnerabilities'),
    compliance: switches('compliance'),
  }
}

/** The policy for a version that a moderator has approved: everything runs, and only the manifest rejects. */
export function withoutRejections(policy: CheckPolicy): CheckPolicy {
  const entries = CheckName.options.map((name) => [name, { ...policy[name], enforced: name === ALWAYS_ON }])
  return Object.fromEntries(entries) as CheckPolicy
}

/** The names of the checks of a part, in the order in which they run. */
export function checksOf(kind: PartKind): CheckName[] {
  return CheckName.options.filter((name) => kind === 'image' || name !== 'image')
}
