import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CheckResult, Finding } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import { ImageManifest } from '../oci/manifest-schema.ts'
import { endUnfinished, waitingResults, withResult } from '../versions/check-results.ts'
import { type ClaimedCheck, saveProgress } from './claim-check.ts'
import { createFinding } from './findings.ts'
import { type CheckOutcome, finishCheck } from './finish-check.ts'
import { type PreparedTrainer, parseJson, prepareBundle } from './prepare-bundle.ts'
import { prepareImage } from './prepare-image.ts'

/** Findings of one check that are kept; a page of them is enough for a person. */
const MAX_FINDINGS = 500

/** Makes the checks of what was pushed, in order, and ends with its publication or rejection. */
export async function runCheck(context: RegistryContext, check: ClaimedCheck, signal: AbortSignal): Promise<void> {
  const parent = join(context.config.dataDir, 'acceptance')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, `${check.id}-`))
  try {
    await finishCheck(context, check, await judge(context, check, join(folder, 'trainer'), signal))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A check that was begun too often is given up: whatever kills its process would do so again. */
export async function giveUpCheck(context: RegistryContext, check: ClaimedCheck): Promise<void> {
  const reason = `the checks were begun ${check.tries - 1} times and never ended; push the same version again to retry`
  await finishCheck(context, check, {
    results: endUnfinished(waitingResults(), 'errored', reason),
    manifest: undefined,
    readme: undefined,
  })
}

async function judge(
  context: RegistryContext,
  check: ClaimedCheck,
  dir: string,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  let results: CheckResult[] = waitingResults()
  let saving: Promise<void> = Promise.resolve()
  const report = (result: CheckResult) => {
    results = withResult(results, { ...result, findings: result.findings.slice(0, MAX_FINDINGS) })
    const snapshot = results
    saving = saving
      .then(() => saveProgress(context, check, snapshot))
      .catch((error: unknown) => context.logger.warn({ err: error, check: check.id }, 'progress was not stored'))
  }

  const startedMs = performance.now()
  report({ name: 'manifest', status: 'running', findings: [] })
  const prepared = await prepare(context, check, dir, signal)
  const own = [...prepared.findings, ...identityFindings(check, prepared)]
  const ownErrors = own.some(({ severity }) => severity === 'error')

  if (!prepared.unpacked) {
    report({
      name: 'manifest',
      status: ownErrors ? 'failed' : 'passed',
      durationMs: Math.round(performance.now() - startedMs),
      findings: own,
    })
    const reasons =
      check.kind === 'image'
        ? {
            secrets: 'the layers of images are not scanned here yet',
            compliance: 'running an image needs Docker, which the checks do not have here',
          }
        : { secrets: 'the bundle was not unpacked', compliance: 'the bundle was not unpacked' }
    report({ name: 'secrets', status: 'skipped', reason: reasons.secrets, findings: [] })
    report({ name: 'compliance', status: 'skipped', reason: reasons.compliance, findings: [] })
  } else {
    try {
      const validation = await context.validate({
        dir,
        phases: ownErrors ? ['static', 'security'] : ['static', 'security', 'compliance'],
        signal,
        onCheck: (result) => report(withOwn(result, own)),
      })
      // What was not asked for is told by its reason, not by the validator's "not asked for".
      const asked = validation.checks.filter(({ name }) => !ownErrors || name !== 'compliance')
      for (const result of asked) report(withOwn(result, own))
      const manifest = results.find(({ name }) => name === 'manifest')
      if (manifest?.status === 'passed' && !prepared.manifest) {
        report(withOwn(manifest, [createFinding('TY191', 'trainer.json does not follow the contract', 'trainer.json')]))
      }
      results = endUnfinished(
        results,
        'skipped',
        ownErrors ? 'the manifest has errors' : 'the validator did not make this check',
      )
    } catch (error) {
      // Stopping and losing the lease are not the trainer's doing: they are for the caller.
      signal.throwIfAborted()
      const reason = error instanceof Error ? error.message : String(error)
      results = endUnfinished(results, 'errored', reason)
    }
  }
  await saving
  return { results, manifest: prepared.manifest, readme: prepared.readme }
}

async function prepare(
  context: RegistryContext,
  check: ClaimedCheck,
  dir: string,
  signal: AbortSignal,
): Promise<PreparedTrainer> {
  const { content } = await context.database.db
    .selectFrom('manifests')
    .select('content')
    .where('repository_id', '=', check.repository_id)
    .where('digest', '=', check.manifest_digest)
    .executeTakeFirstOrThrow()
  const json = parseJson(Buffer.from(content).toString('utf8'))
  return check.kind === 'bundle'
    ? prepareBundle(context, ImageManifest.parse(json), dir)
    : prepareImage(context, check.repository_id, json, signal)
}

function identityFindings(check: ClaimedCheck, { manifest }: PreparedTrainer): Finding[] {
  if (!manifest) return []
  const wanted = { name: check.trainer, version: check.version }
  return (['name', 'version'] as const)
    .filter((field) => manifest[field] !== wanted[field])
    .map((field) =>
      createFinding(
        'TY190',
        `"${field}" is "${manifest[field]}", but it was pushed as "${wanted[field]}"`,
        'trainer.json',
      ),
    )
}

/** The registry's findings belong to the check of the manifest, and fail it. */
function withOwn(result: CheckResult, own: readonly Finding[]): CheckResult {
  if ((result.name !== 'static' && result.name !== 'manifest') || own.length === 0) return result
  const missing = own.filter(({ fingerprint }) => !result.findings.some((other) => other.fingerprint === fingerprint))
  const failed = result.status === 'passed' && own.some(({ severity }) => severity === 'error')
  return { ...result, status: failed ? 'failed' : result.status, findings: [...missing, ...result.findings] }
}
