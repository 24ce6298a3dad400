import type { CheckName, CheckProgress, CheckResult, CheckScanner, Finding } from '@trainyard/contract'
import type { z } from 'zod'
import type { RegistryContext } from '../../context.ts'
import type { LayerScan } from '../cached-by-layer.ts'
import type { ClaimedCheck } from '../claim-check.ts'
import type { PreparedTrainer } from '../prepare-bundle.ts'

/** What a check reads. */
export interface CheckInput {
  context: RegistryContext
  /** The pushed part and the lease under which it is checked. */
  part: ClaimedCheck
  /** The pushed manifest: of a bundle, an image or an index of images. Untrusted. */
  manifest: unknown
  /** The folder into which {@link prepare} unpacks a bundle. */
  dir: string
  /** The results of the checks before this one. */
  earlier: readonly CheckResult[]
  /** Unpacks a bundle, or reads the trainer's manifest from an image: once, in the first check that asks. */
  prepare(signal: AbortSignal): Promise<PreparedTrainer>
  /** Scans a layer, unless the same scanner has scanned it before. `schema` describes the stored result. */
  cachedByLayer<T>(scan: LayerScan, schema: z.ZodType<T>, run: () => Promise<T>): Promise<T>
}

/** Shows what a running check has done so far. Clients see each call within a fraction of a second. */
export interface CheckReporter {
  found(...findings: readonly Finding[]): void
  advanced(progress: CheckProgress): void
}

/**
 * How a check ended. A check with an error among its findings has failed, whichever way it ended. `skipped`: nothing was
 * checked, which is never shown as passed. `errored`: it could not be completed, and is tried again; `fault` is set if that
 * is not the trainer's fault. `findings` are added to those reported before.
 */
export type CheckEnd = (
  | { outcome: 'done' }
  | { outcome: 'skipped'; reason: string }
  | { outcome: 'errored'; reason: string; fault?: 'platform' | undefined }
) & {
  findings?: readonly Finding[] | undefined
  notes?: readonly string[] | undefined
  scanner?: CheckScanner | undefined
}

/** One check of the registry. */
export interface AcceptanceCheck {
  readonly name: CheckName
  /**
   * Runs the check. It must stop soon after the signal aborts: at its time limit, when the registry stops, or when the lease
   * is lost. Work that takes long or reads untrusted data belongs in a worker. An exception is a fault of the platform.
   */
  run(input: CheckInput, reporter: CheckReporter, signal: AbortSignal): Promise<CheckEnd>
}
