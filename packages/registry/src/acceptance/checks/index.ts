import type { CheckName } from '@trainyard/contract'
import type { AcceptanceCheck } from './check.ts'
import { compliance } from './compliance.ts'
import { image } from './image.ts'
import { malware } from './malware.ts'
import { manifest } from './manifest.ts'
import { sbom } from './sbom.ts'
import { secrets } from './secrets.ts'
import { vulnerabilities } from './vulnerabilities.ts'

/** Every check of the registry. `checksOf` gives their order, and which of them a part has. */
export const CHECKS: Readonly<Record<CheckName, AcceptanceCheck>> = {
  manifest,
  image,
  secrets,
  malware,
  sbom,
  vulnerabilities,
  compliance,
}
