import type { CheckPhase, CheckResult, Finding, TimelineEntry, ValidationReport } from '@trainyard/contract'
import type { ImagePart } from '@trainyard/runner'
import { endCheck } from './end-check.ts'
import { LayerRefused } from './errors.ts'
import { ImageConfig } from './image/image-config.ts'
import { createImageFinding } from './image/image-findings.ts'
import { configFindings, diffIdFindings, sizeFindings, treeFindings } from './image/image-policy.ts'
import { imageLayers, type ListedImage, listImages, parseManifestJson } from './image/list-images.ts'
import { readImageTrainer } from './image/read-image-trainer.ts'
import { searchConfig } from './image/search-config.ts'
import { secretFindings } from './image/secret-findings.ts'
import { createStoreReader, type StoreReader } from './image-layers.ts'
import type { PhaseOutcome } from './run-compliance.ts'
import { type RunImageOptions, type RunnableImage, runImage } from './run-image.ts'
import type { ImageStore } from './targets/image-store.ts'
import { readStored, streamStored } from './targets/scratch.ts'
import { digestOfImages } from './targets/target-digest.ts'
import { TimeLimit } from './time-limit.ts'
import { describeRun, type ValidateOptions } from './validate-trainer.ts'
import { CHECK_NAMES, fails, judge, requiredPhases } from './verdict.ts'

export interface ValidateImageOptions extends Omit<ValidateOptions, 'dir' | 'isBundle'> {
  store: ImageStore
  /** Variables that say where the container engine is. Default: those of this process. */
  env?: Readonly<Record<string, string | undefined>> | undefined
}

const ALL_PHASES = ['static', 'security', 'compliance'] as const satisfies readonly CheckPhase[]

/** Checks an image as the registry does: its manifest, its config and every layer. It runs in Docker, where there is Docker. */
export async function validateImage(options: ValidateImageOptions): Promise<ValidationReport> {
  const { store, profile = 'author', only = [], timeoutMs = 180_000, onCheck } = options
  const requested = options.phases ?? ALL_PHASES
  const startedAt = performance.now()
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31)
  using limit = new TimeLimit(timeoutMs)
  const timeout = limit.signal
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  const image = await openImage(store, requested.includes('security'), signal)
  const checks: CheckResult[] = []
  const check = async (name: string, phase: CheckPhase, run: () => Promise<PhaseOutcome>) => {
    if (!requested.includes(phase)) {
      checks.push({ name, status: 'skipped', reason: 'not requested', findings: [] })
      return
    }
    onCheck?.({ name, status: 'running', findings: [] })
    const begunAt = performance.now()
    const result = await endCheck(run, { name, profile, only, signal: options.signal, timeout, timeoutMs })
    checks.push({ ...result, durationMs: Math.round(performance.now() - begunAt) })
    onCheck?.(checks.at(-1) ?? result)
  }
  await check(CHECK_NAMES.static, 'static', () => checkManifest(image))
  await check('image', 'static', () => checkPolicy(image))
  await check(CHECK_NAMES.security, 'security', () => checkSecrets(image))
  let timeline: readonly TimelineEntry[] = []
  await check(CHECK_NAMES.compliance, 'compliance', async () => {
    const outcome = await checkCompliance(image, checks, { ...options, profile, only, seed, signal, limit })
    timeline = outcome.timeline ?? timeline
    return outcome
  })
  return {
    verdict: judge(checks, profile, requiredPhases(profile, requested, options.require ?? [])),
    trainer: await identify(image),
    profile,
    seed,
    durationMs: Math.round(performance.now() - startedAt),
    checks,
    timeline: [...timeline],
    run: describeRun(options, timeoutMs, digestOfImages(image.images)),
  }
}

/** The images of a target, and a reader of their layers. */
interface OpenedImage {
  store: ImageStore
  images: readonly ListedImage[]
  missing: readonly string[]
  reader: StoreReader
  trainers: Map<ListedImage, Awaited<ReturnType<typeof readTrainer>>>
}

async function openImage(store: ImageStore, searches: boolean, signal: AbortSignal): Promise<OpenedImage> {
  const { images, missing } = await listImages(store.root, async (digest) => {
    const stored = await store.find(digest)
    return stored && (await readStored(stored))
  })
  return { store, images, missing, reader: createStoreReader(store, searches, signal), trainers: new Map() }
}

async function readConfig({ store }: OpenedImage, { manifest }: ListedImage): Promise<ImageConfig | undefined> {
  const stored = await store.find(manifest.config.digest)
  const bytes = stored && (await readStored(stored))
  return bytes === undefined ? undefined : ImageConfig.safeParse(parseManifestJson(bytes)).data
}

async function checkManifest(image: OpenedImage): Promise<PhaseOutcome> {
  const findings = image.missing.map((digest) =>
    createImageFinding('TY192', `the index refers to ${digest}, which is not with it`),
  )
  if (image.images.length === 0) findings.push(createImageFinding('TY192', 'there is no image in it'))
  const read = []
  for (const one of image.images) {
    const trainer = await readTrainer(image, one)
    image.trainers.set(one, trainer)
    findings.push(...trainer.findings)
    read.push({ platform: one.platform, json: JSON.stringify(trainer.json) })
  }
  const [shown, ...others] = read.filter(({ json }) => json !== undefined)
  for (const other of others) {
    if (other.json === shown?.json) continue
    const message = `the image for ${other.platform} holds another manifest than that for ${shown?.platform}`
    findings.push(createImageFinding('TY193', message))
  }
  return { findings }
}

async function readTrainer(image: OpenedImage, one: ListedImage) {
  const layers = imageLayers(one.manifest)
  try {
    const view = await image.reader.view(layers)
    return await readImageTrainer(await readConfig(image, one), view, layers, image.reader)
  } catch (error) {
    if (!(error instanceof LayerRefused)) throw error
    const finding = createImageFinding('TY292', `the layer ${error.message}`, { layer: error.layer })
    return { json: undefined, readme: undefined, findings: [finding] }
  }
}

async function checkPolicy(image: OpenedImage): Promise<PhaseOutcome> {
  const findings: Finding[] = []
  for (const one of image.images) {
    const config = await readConfig(image, one)
    if (config === undefined) {
      const message = 'the config of the image is not JSON of the expected form, or larger than 4 MiB'
      findings.push(createImageFinding('TY293', message))
      continue
    }
    const layers = imageLayers(one.manifest)
    findings.push(...configFindings(config, { platform: one.platform, rootUser: 'warn' }))
    try {
      const view = await image.reader.view(layers)
      findings.push(...diffIdFindings(view, config.rootfs?.diff_ids ?? []))
      findings.push(...treeFindings(view.tree, layers), ...sizeFindings(view))
    } catch (error) {
      if (!(error instanceof LayerRefused)) throw error
      return { findings, skipped: `not scanned: a layer ${error.message}`.slice(0, 1000) }
    }
  }
  return { findings }
}

async function checkSecrets(image: OpenedImage): Promise<PhaseOutcome> {
  const findings: Finding[] = []
  const seen = new Set<string>()
  let files = 0
  for (const one of image.images) {
    const config = await readConfig(image, one)
    if (config !== undefined) findings.push(...(await searchConfig(config)))
    for (const layer of imageLayers(one.manifest)) {
      if (seen.has(layer.digest)) continue
      seen.add(layer.digest)
      try {
        const secrets = await image.reader.secretsOf(layer)
        files += secrets.searchedFiles
        findings.push(...secretFindings(layer, secrets))
      } catch (error) {
        if (!(error instanceof LayerRefused)) throw error
        return { findings, skipped: `not scanned: a layer ${error.message}`.slice(0, 1000) }
      }
    }
  }
  return { findings, notes: [`${files} text files were searched`] }
}

async function checkCompliance(
  image: OpenedImage,
  earlier: readonly CheckResult[],
  options: ValidateImageOptions & Pick<RunImageOptions, 'seed' | 'signal' | 'limit' | 'profile' | 'only'>,
): Promise<PhaseOutcome> {
  // What the marketplace refuses is not run. A warning can fail the profile, and says nothing against a run.
  const refused = earlier.find(({ findings }) => findings.some((finding) => fails(finding, 'marketplace')))
  if (refused !== undefined)
    return { findings: [], skipped: `the check "${refused.name}" failed, so the trainer is not run` }
  const images: RunnableImage[] = []
  for (const one of image.images) {
    const { json } = image.trainers.get(one) ?? (await readTrainer(image, one))
    const { os = 'linux', architecture = 'unknown' } = (await readConfig(image, one)) ?? {}
    images.push({
      platform: `${os}/${architecture}`,
      json,
      config: partOf(image, one.manifest.config.digest, one.manifest.config.size),
      layers: imageLayers(one.manifest).map(({ digest, sizeBytes }) => partOf(image, digest, sizeBytes)),
    })
  }
  const { seed, signal, limit, profile, only, databaseUrl, sandbox, onProgress, env = process.env } = options
  return await runImage({ images, env, seed, signal, limit, profile, only, databaseUrl, sandbox, onProgress })
}

function partOf({ store }: OpenedImage, digest: string, sizeBytes: number): ImagePart {
  return {
    digest,
    sizeBytes,
    async open() {
      const stored = await store.find(digest)
      if (stored === undefined) throw new Error(`${digest} is missing`)
      return streamStored(stored)
    },
  }
}

async function identify(image: OpenedImage): Promise<{ name: string; version: string } | undefined> {
  const [first] = image.images
  if (first === undefined) return undefined
  const known = image.trainers.get(first) ?? (await readTrainer(image, first).catch(() => undefined))
  const { name, version } = (known?.json ?? {}) as { name?: unknown; version?: unknown }
  if (typeof name !== 'string' || typeof version !== 'string') return undefined
  return { name: name.slice(0, 200), version: version.slice(0, 200) }
}
