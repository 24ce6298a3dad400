import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckResult, ENVIRONMENT_CHECK_MS, MAX_README_PICTURES } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import { ImageManifest } from '../oci/parse-manifest.ts'
import { ALWAYS_ON, checksOf, createCheckPolicy, withoutRejections } from '../versions/check-policy.ts'
import { endUnfinished, rejects, waitingResults } from '../versions/check-results.ts'
import { verdictOf } from '../versions/states.ts'
import { findApproval } from './appeals.ts'
import { cachedByLayer } from './cached-by-layer.ts'
import { CheckProgress } from './check-progress.ts'
import type { CheckInput } from './checks/check.ts'
import { CHECKS } from './checks/index.ts'
import type { ClaimedCheck } from './claim-check.ts'
import { copyRemotePictures } from './copy-remote-pictures.ts'
import { type CheckOutcome, finishCheck } from './finish-check.ts'
import { postponeCheck } from './postpone-check.ts'
import { type PreparedTrainer, prepareBundle } from './prepare-bundle.ts'
import { prepareImage } from './prepare-image.ts'
import { readPushed } from './read-pushed.ts'
import { runOneCheck, switchedOff } from './run-one-check.ts'
import { loadSuppressions } from './suppressions.ts'

/** Runs all checks of a pushed part in order, then publishes or rejects it. */
export async function runCheck(context: RegistryContext, check: ClaimedCheck, signal: AbortSignal): Promise<void> {
  const parent = join(context.config.dataDir, 'acceptance')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, `${check.id}-`))
  try {
    const outcome = await judge(context, check, join(folder, 'trainer'), signal)
    if (isWorthAnotherTry(context, check, outcome.results)) await postponeCheck(context, check, outcome.results)
    else await finishCheck(context, check, outcome)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Whether the trainer cannot be judged yet, because a check errored. A fault of the platform is waited for without end, any
 * other is tried a few times. A trainer that another check refuses is rejected at once.
 */
function isWorthAnotherTry(context: RegistryContext, check: ClaimedCheck, results: readonly CheckResult[]): boolean {
  if (results.some(rejects)) return false
  const errored = results.filter(({ status, enforced = true }) => status === 'errored' && enforced)
  return (
    errored.some(({ fault }) => fault === 'platform') || (errored.length > 0 && check.tries < context.config.checkTries)
  )
}

/** Rejects a check that was started too often: its trainer probably kills the process that runs it. */
export async function giveUpCheck(context: RegistryContext, check: ClaimedCheck): Promise<void> {
  const reason = `the checks were started ${check.tries - 1} times and never finished; push the same version again to retry`
  const policy = context.config.checkPolicy ?? createCheckPolicy()
  await finishCheck(context, check, {
    results: endUnfinished(waitingResults(check.kind, policy), 'errored', reason),
    manifest: undefined,
    readme: undefined,
    checkedImages: [],
  })
}

async function judge(
  context: RegistryContext,
  check: ClaimedCheck,
  dir: string,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const { config } = context
  const suppress = await loadSuppressions(context, check.repository_id)
  const approval = await findApproval(context, check.id)
  const configured = config.checkPolicy ?? createCheckPolicy()
  const policy = approval === undefined ? configured : withoutRejections(configured)
  const progress = new CheckProgress(context, check, waitingResults(check.kind, policy))
  const manifest = await readPushed(context, check)
  let preparing: Promise<PreparedTrainer> | undefined
  const prepare = (limit: AbortSignal) => {
    preparing ??=
      check.kind === 'bundle'
        ? prepareBundle(context, ImageManifest.parse(manifest), dir)
        : prepareImage(context, check.repository_id, manifest, limit)
    return preparing
  }
  for (const name of checksOf(check.kind)) {
    if (progress.resultOf(ALWAYS_ON).status === 'errored') {
      progress.endUnfinished('skipped', `the check "${ALWAYS_ON}" could not be completed`)
      break
    }
    if (!policy[name].enabled) {
      progress.report(switchedOff(progress.resultOf(name), name))
      continue
    }
    const input: CheckInput = {
      context,
      part: check,
      manifest,
      dir,
      earlier: progress.results,
      prepare,
      cachedByLayer: (scan, schema, run) => cachedByLayer(context, scan, schema, run),
    }
    // The validator itself limits everything but the Python environment to the time of a check.
    const timeoutMs = config.checkTimeoutSeconds * 1000 + (name === 'compliance' ? ENVIRONMENT_CHECK_MS : 0)
    await runOneCheck({ check: CHECKS[name], input, progress, suppress, timeoutMs, signal })
  }
  if (approval !== undefined) progress.note(`published by a moderator: ${approval}`)
  await progress.saved()
  const prepared = await preparing?.catch(() => undefined)
  const own = prepared?.readmePictures ?? []
  // What is rejected makes the registry send no requests.
  const isRejected = verdictOf(check.kind, progress.results).state === 'rejected'
  const copied = isRejected ? [] : await copyRemotePictures(context, prepared?.readme, MAX_README_PICTURES - own.length)
  return {
    results: progress.results,
    manifest: prepared?.manifest,
    readme: prepared?.readme,
    readmePictures: [...own, ...copied],
    checkedImages: (prepared?.checkedImages ?? []).map((digest) => digest ?? check.manifest_digest),
  }
}
