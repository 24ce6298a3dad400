import { mkdtemp, rm, stat } from 'node:fs/promises'
import { arch, homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import {
  archiveImage,
  BlobCache,
  type BuiltImage,
  buildImage,
  IMAGE_PATHS,
  type ImageEnvironment,
  inspectBase,
  openBase,
  pushImage,
  readManifest,
  writeLayout,
} from '@trainyard/client/files'
import type { TrainerManifest } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import { installForImage, readForImage, satisfies } from '@trainyard/environments'
import { BuildView } from '../build/build-view.ts'
import { type ContainerEngine, findEngine } from '../build/container-engine.ts'
import { withLinesOnce } from '../build/lines-once.ts'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { exchangeJobToken } from '../publish/exchange-job-token.ts'
import { followChecks } from '../publish/follow-checks.ts'
import { viewOf } from '../publish/publish-view.ts'
import { findRegistry, type ServerValues } from '../server/connection.ts'
import { interruptible } from '../terminal/interruptible.ts'
import { printJson } from '../terminal/table.ts'

interface BuildInput extends ServerValues {
  dir: string | undefined
  base: string | undefined
  output: string | undefined
  push: boolean
  noEngine: boolean
  platform: string | undefined
  unlocked: boolean
  json: boolean
}

/** For trainers that require a Python, newest last: the first one that fits is taken. */
const PYTHONS = ['3.12', '3.13', '3.11', '3.10', '3.9']

export async function run(input: BuildInput, io: CliIo): Promise<number> {
  const dir = resolve(io.cwd, input.dir ?? '.')
  const { manifest } = await readManifest(dir)
  const engine = input.noEngine ? undefined : await findEngine(io.env)
  if (engine === undefined && input.output === undefined && !input.push)
    throw new UsageError(
      `${input.noEngine ? 'without an engine' : 'no container engine answers ("docker version", "podman version"), so'} the image needs another place: use --output DIR, or --push`,
    )
  const view = new BuildView(io, input.json)
  const scratch = await mkdtemp(join(tmpdir(), 'trainyard-image-'))
  try {
    return await interruptible(async (signal) => {
      const image = await build(dir, manifest, input, { io, view, engine, scratch, signal })
      return await deliver(image, input, { io, view, engine, signal })
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

interface Work {
  io: CliIo
  view: BuildView
  engine: ContainerEngine | undefined
  signal: AbortSignal
}

async function build(
  dir: string,
  manifest: TrainerManifest,
  input: BuildInput,
  { io, view, engine, scratch, signal }: Work & { scratch: string },
): Promise<BuiltImage> {
  const architecture = input.platform?.replace('linux/', '') ?? (arch() === 'x64' ? 'amd64' : arch())
  const name = await baseOf(input.base, manifest, io.cwd)
  const { runtime, entrypoints } = manifest
  if (runtime !== undefined) await readForImage(dir, { runtime, entrypoints }, { allowUnlocked: input.unlocked })
  view.step(`Base image: ${name}`)
  const base = await openBase({
    name,
    architecture,
    cache: new BlobCache(
      join(io.env.XDG_CACHE_HOME || join(io.env.HOME ?? homedir(), '.cache'), 'trainyard', 'images'),
    ),
    scratch,
    save: engine && ((image, target) => engine.save(image, target)),
    env: io.env,
    signal,
    onLayer: ({ digest, sizeBytes }) => view.line(`${digest.slice(0, 19)}… ${formatBytes(sizeBytes)}`),
  })
  if (base.digest !== undefined) view.line(`digest: ${base.digest}`)
  if (base.config.architecture !== architecture)
    throw new UsageError(
      `the base image ${name} is for linux/${base.config.architecture}: expected linux/${architecture}`,
    )
  const environment = await environmentOf(dir, manifest, input, { io, view, scratch, signal, base })
  return await buildImage({ dir, manifest, base, environment, scratch, onLayer: (layer) => view.layer(layer) })
}

/** The base image that is given, or the official image of a Python that the trainer can use. */
async function baseOf(given: string | undefined, { runtime }: TrainerManifest, cwd: string): Promise<string> {
  if (given !== undefined) {
    const path = resolve(cwd, given)
    return (await stat(path).catch(() => undefined)) === undefined ? given : path
  }
  if (runtime === undefined)
    throw new UsageError(
      'trainer.json has no "runtime", so no base image is known for it: use --base IMAGE, such as node:24-bookworm-slim',
    )
  const version = PYTHONS.find((one) => satisfies(`${one}.99`, runtime.python))
  if (version === undefined)
    throw new UsageError(`"runtime.python" is "${runtime.python}", which fits no image of Python: use --base IMAGE`)
  return `python:${version}-slim-bookworm`
}

async function environmentOf(
  dir: string,
  manifest: TrainerManifest,
  { unlocked }: BuildInput,
  {
    io,
    view,
    scratch,
    signal,
    base,
  }: Omit<Work, 'engine'> & { scratch: string; base: Parameters<typeof inspectBase>[0] },
): Promise<ImageEnvironment | undefined> {
  const { runtime, entrypoints } = manifest
  if (runtime === undefined) return undefined
  const { pythons, libc } = await inspectBase(base, join(scratch, 'names'))
  const [python] = pythons
  if (python === undefined)
    throw new UsageError(`the base image ${base.name} has no Python 3, which "runtime" of trainer.json requires`)
  view.step(`Installing the packages for Python ${python.version} (${python.path}, ${libc})`)
  const into = join(scratch, 'environment')
  const target = {
    name: base.name,
    pythonVersion: python.version,
    pythonHome: dirname(python.path),
    libc,
    architecture: base.config.architecture,
  }
  const options = { path: IMAGE_PATHS.environment, into, allowUnlocked: unlocked, env: io.env, signal }
  const file = await withLinesOnce(
    (onLine) => installForImage(dir, { runtime, entrypoints }, target, { ...options, onLine }),
    view.isSilent ? undefined : (line) => view.line(line),
  )
  return { dir: into, python, file }
}

/** Takes the image where it belongs, and prints its digest. */
async function deliver(image: BuiltImage, input: BuildInput, { io, view, engine, signal }: Work): Promise<number> {
  const { name, version, digest, config, layers } = image
  const tag = `${name}:${version}`
  const sizeBytes = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0)
  const output = input.output === undefined ? undefined : resolve(io.cwd, input.output)
  if (output !== undefined) {
    await writeLayout(image, output)
    view.step(`OCI layout: ${output}`)
  } else if (engine !== undefined && !input.push) {
    await engine.load(archiveImage(image, tag))
    view.step(`In ${engine.program} ${engine.version}: ${tag}`)
  }
  const pushed = input.push ? await push(image, input, { io, view, signal }) : undefined
  const result = { name, version, digest, imageId: config.digest, sizeBytes, output }
  if (input.json) printJson(io, { ...result, checkId: pushed?.checkId, state: pushed?.state })
  else io.stdout.write(`${tag}@${digest}\n`)
  return pushed?.state === 'rejected' ? EXIT_CODES.negative : EXIT_CODES.ok
}

async function push(
  image: BuiltImage,
  { json, ...server }: BuildInput,
  { io, view, signal }: Omit<Work, 'engine'>,
): Promise<{ checkId: string | undefined; state: string | undefined }> {
  const { registryUrl, token: known } = await findRegistry(server, io)
  const token = known ?? (await exchangeJobToken(registryUrl, image.name, io))
  const result = await pushImage({
    image,
    registryUrl,
    token,
    signal,
    onLayer: ({ digest, sizeBytes, sent }) =>
      view.line(`${sent ? 'sent' : 'exists'}: ${digest.slice(0, 19)}… ${formatBytes(sizeBytes)}`),
  })
  const checks = viewOf(io, json)
  checks.pushed(result)
  if (result.checkId === undefined) return { checkId: undefined, state: undefined }
  const check = await followChecks({ registryUrl, token }, result.checkId, checks, signal)
  return { checkId: result.checkId, state: check.state }
}
