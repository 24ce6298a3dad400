import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CheckResult, Finding } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import type { PartKind } from '../db/schema/version-parts.ts'
import { ImageManifest } from '../oci/parse-manifest.ts'
import { endUnfinished, waitingResults } from '../versions/check-results.ts'
import { CheckProgress } from './check-progress.ts'
import type { ClaimedCheck } from './claim-check.ts'
import { createFinding } from './findings.ts'
import { type CheckOutcome, finishCheck } from './finish-check.ts'
import { postponeCheck } from './postpone-check.ts'
import { type PreparedTrainer, parseJson, prepareBundle } from './prepare-bundle.ts'
import { prepareImage } from './prepare-image.ts'

/** Runs all checks of a pushed part in order, then publishes or rejects it. */
export async function runCheck(context: RegistryContext, check: ClaimedCheck, signal: AbortSignal): Promise<void> {
  const parent = join(context.config.dataDir, 'acceptance')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, `${check.id}-`))
  try {
    const outcome = await judge(context, check, join(folder, 'trainer'), signal)
    if (isFaultOfPlatform(outcome.results)) await postponeCheck(context, check, outcome.results)
    else await finishCheck(context, check, outcome)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Whether the trainer cannot be judged, because the platform failed. A trainer that has failed another check is rejected. */
function isFaultOfPlatform(results: readonly CheckResult[]): boolean {
  return results.some(({ fault }) => fault === 'platform') && !results.some(({ status }) => status === 'failed')
}

/** Rejects a check that was started too often: its trainer probably kills the process that runs it. */
export async function giveUpCheck(context: RegistryContext, check: ClaimedCheck): Promise<void> {
  const reason = `the checks were started ${check.tries - 1} times and never finished; push the same version again to retry`
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
  const progress = new CheckProgress(context, check)
  const startedMs = performance.now()
  progress.report({ name: 'manifest', status: 'running', findings: [] })
  const prepared = await prepare(context, check, dir, signal)
  const ownFindings = [...prepared.findings, ...identityFindings(check, prepared)]
  if (prepared.unpacked) {
    await validate(context, progress, { dir, hasManifest: prepared.manifest !== undefined, ownFindings, signal })
  } else {
    const durationMs = Math.round(performance.now() - startedMs)
    reportWithoutFolder(progress, { kind: check.kind, ownFindings, durationMs })
  }
  await progress.saved()
  return { results: progress.results, manifest: prepared.manifest, readme: prepared.readme }
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
  const json = parseJson(content)
  return check.kind === 'bundle'
    ? prepareBundle(context, ImageManifest.parse(json), dir)
    : prepareImage(context, check.repository_id, json, signal)
}

function identityFindings(check: ClaimedCheck, { manifest }: PreparedTrainer): Finding[] {
  if (!manifest) return []
  const pushedAs = { name: check.trainer, version: check.version }
  return (['name', 'version'] as const)
    .filter((field) => manifest[field] !== pushedAs[field])
    .map((field) =>
      createFinding(
        'TY190',
        `"${field}" is "${manifest[field]}", but it was pushed as "${pushedAs[field]}"`,
        'trainer.json',
      ),
    )
}

const hasErrors = (findings: readonly Finding[]): boolean => findings.some(({ severity }) => severity === 'error')

const NOT_UNPACKED: Readonly<Record<PartKind, { secrets: string; compliance: string }>> = {
  bundle: { secrets: 'the bundle was not unpacked', compliance: 'the bundle was not unpacked' },
  image: {
    secrets: 'the layers of images are not scanned yet',
    compliance: 'running an image needs Docker, which is not available to the checks',
  },
}

/** The results of an image, and of a bundle that could not be unpacked. */
function reportWithoutFolder(
  progress: CheckProgress,
  { kind, ownFindings, durationMs }: { kind: PartKind; ownFindings: Finding[]; durationMs: number },
): void {
  const status = hasErrors(ownFindings) ? 'failed' : 'passed'
  progress.report({ name: 'manifest', status, durationMs, findings: ownFindings })
  const { secrets, compliance } = NOT_UNPACKED[kind]
  progress.report({ name: 'secrets', status: 'skipped', reason: secrets, findings: [] })
  progress.report({ name: 'compliance', status: 'skipped', reason: compliance, findings: [] })
}

interface ValidateFolderOptions {
  dir: string
  hasManifest: boolean
  ownFindings: readonly Finding[]
  signal: AbortSignal
}

/** Runs the validator on the unpacked folder and merges the registry's own findings into its results. */
async function validate(
  context: RegistryContext,
  progress: CheckProgress,
  { dir, hasManifest, ownFindings, signal }: ValidateFolderOptions,
): Promise<void> {
  const ownErrors = hasErrors(ownFindings)
  try {
    const validation = await context.validate({
      dir,
      phases: ownErrors ? ['static', 'security'] : ['static', 'security', 'compliance'],
      signal,
      onCheck: (result) => progress.report(withOwnFindings(result, ownFindings)),
    })
    for (const result of validation.checks) {
      // The reason given below is more helpful than the validator's "not requested".
      if (ownErrors && result.name === 'compliance') continue
      progress.report(withOwnFindings(result, ownFindings))
    }
    const manifest = progress.results.find(({ name }) => name === 'manifest')
    if (manifest?.status === 'passed' && !hasManifest) {
      const finding = createFinding('TY191', 'trainer.json does not follow the contract', 'trainer.json')
      progress.report(withOwnFindings(manifest, [finding]))
    }
    progress.endUnfinished('skipped', ownErrors ? 'the manifest has errors' : 'the validator did not run this check')
  } catch (error) {
    // A stop or a lost lease is not the trainer's fault. The caller handles it.
    signal.throwIfAborted()
    progress.endUnfinished('errored', error instanceof Error ? error.message : String(error))
  }
}

/** Adds the registry's findings to the check of the manifest. Errors among them make it fail. */
function withOwnFindings(result: CheckResult, own: readonly Finding[]): CheckResult {
  if (result.name !== 'manifest' || own.length === 0) return result
  const added = own.filter(({ fingerprint }) => !result.findings.some((other) => other.fingerprint === fingerprint))
  const status = result.status === 'passed' && hasErrors(own) ? 'failed' : result.status
  return { ...result, status, findings: [...added, ...result.findings] }
}
