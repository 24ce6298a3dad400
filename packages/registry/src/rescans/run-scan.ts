import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CheckResult, Finding } from '@trainyard/contract'
import { cachedByLayer } from '../acceptance/cached-by-layer.ts'
import type { CheckEnd, CheckInput } from '../acceptance/checks/check.ts'
import { CHECKS } from '../acceptance/checks/index.ts'
import { readPushed } from '../acceptance/read-pushed.ts'
import { loadSuppressions } from '../acceptance/suppressions.ts'
import type { RegistryContext } from '../context.ts'
import { hasErrors } from '../versions/check-results.ts'
import type { ClaimedScan } from './claim-scan.ts'

/** Runs a check of a published part again. Undefined: nothing was scanned, for example because the scanner did not answer. */
export async function runScan(
  context: RegistryContext,
  { scan, check }: ClaimedScan,
  signal: AbortSignal,
): Promise<CheckResult | undefined> {
  const { config, clock } = context
  const parent = join(config.dataDir, 'acceptance')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, `${check.id}-`))
  const suppress = await loadSuppressions(context, check.repository_id)
  const found = new Map<string, Finding>()
  const add = (...findings: readonly Finding[]) => {
    for (const finding of findings) found.set(finding.fingerprint, suppress(scan.check_name, finding))
  }
  const input: CheckInput = {
    context,
    part: check,
    manifest: await readPushed(context, check),
    dir: join(folder, 'trainer'),
    earlier: check.results,
    prepare: async () => {
      throw new Error(`the check "${scan.check_name}" reads layers only`)
    },
    cachedByLayer: (layer, schema, run) => (scan.forced ? run() : cachedByLayer(context, layer, schema, run)),
  }
  const startedMs = performance.now()
  const startedAt = clock.now().toISOString()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(config.checkTimeoutSeconds * 1000)])
  try {
    const end = await CHECKS[scan.check_name].run(input, { found: add, advanced: () => undefined }, limit)
    add(...(end.findings ?? []))
    if (!wasScanned(end)) return undefined
    const findings = [...found.values()]
    return {
      name: scan.check_name,
      status: hasErrors(findings) ? 'failed' : end.outcome === 'done' ? 'passed' : end.outcome,
      reason: end.outcome === 'done' ? undefined : end.reason,
      startedAt,
      durationMs: Math.round(performance.now() - startedMs),
      scanner: end.scanner,
      notes: end.notes && [...end.notes],
      rescannedAt: clock.now().toISOString(),
      findings,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A part that was scanned in part has notes about what was scanned. */
const wasScanned = ({ outcome, notes }: CheckEnd): boolean =>
  outcome === 'done' || (outcome === 'skipped' && notes !== undefined)
