import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Problem, ProblemCode, ResolvedTrainer } from '@trainyard/contract'
import { TrainyardError, unpackTar } from '@trainyard/platform'
import { parseTrainerReference, type TrainerSource } from './source.ts'

export interface RegistryTrainerSourceOptions {
  registryUrl: string
  /** A `ty_` token, for trainers that are not public. */
  token?: string | undefined
  /** Holds unpacked bundles by digest. Runners can share it. */
  cacheDir: string
  /** Timeout of resolving a trainer. Default: 15,000. */
  timeoutMs?: number | undefined
  /** A download that receives nothing for this long fails. Default: 60,000. */
  stallMs?: number | undefined
  fetch?: typeof fetch | undefined
}

/** The trainers of a registry, over HTTP. */
export function createRegistryTrainerSource(options: RegistryTrainerSourceOptions): TrainerSource {
  const { registryUrl, token, timeoutMs = 15_000, stallMs = 60_000, fetch: request = fetch } = options
  const cacheDir = resolve(options.cacheDir)
  const running = new Map<string, Promise<{ dir: string }>>()

  const get = async (url: URL, signal: AbortSignal | null, trace: string | undefined): Promise<Response> => {
    const headers = new Headers()
    const isRegistry = url.origin === new URL(registryUrl).origin
    if (token !== undefined && isRegistry) headers.set('authorization', `Bearer ${token}`)
    if (trace !== undefined && isRegistry) headers.set('traceparent', trace)
    try {
      return await request(url, { headers, signal })
    } catch (error) {
      throw new TrainyardError('unavailable', `The registry at ${url.origin} does not respond`, { cause: error })
    }
  }

  return {
    async resolve(reference, { traceparent } = {}) {
      const { name, range } = parseTrainerReference(reference)
      const [namespace, short, ...rest] = name.split('/')
      if (!namespace || !short || rest.length > 0)
        throw new TrainyardError(
          'unprocessable',
          `must be "namespace/name" or "namespace/name@range", got "${reference}"`,
        )
      const path = `/v1/trainers/${encodeURIComponent(namespace)}/${encodeURIComponent(short)}/resolve`
      const url = new URL(path, registryUrl)
      url.searchParams.set('range', range)
      const response = await get(url, AbortSignal.timeout(timeoutMs), traceparent)
      if (!response.ok) throw await problemOf(response)
      const resolved = ResolvedTrainer.safeParse(await response.json().catch(() => undefined))
      if (!resolved.success)
        throw new TrainyardError('unavailable', `The registry's response for ${name} is not valid`, {
          cause: resolved.error,
        })
      return resolved.data
    },

    async fetchBundle(trainer, { traceparent } = {}) {
      const { bundle } = trainer
      if (bundle === undefined)
        throw new TrainyardError(
          'unprocessable',
          `${trainer.name}@${trainer.version} is an image; this runner can only run bundles`,
        )
      const dir = join(cacheDir, bundle.digest.replace(':', '-'))
      if (existsSync(dir)) return { dir }
      const known = running.get(dir)
      if (known !== undefined) return await known
      const work = (async () => {
        await mkdir(cacheDir, { recursive: true })
        const stall = watchStall(stallMs)
        const response = await get(new URL(bundle.url, registryUrl), stall.signal, traceparent)
        if (!response.ok || response.body === null) throw await problemOf(response)
        const archive = join(cacheDir, `.download-${randomUUID()}`)
        try {
          await download(response.body as unknown as AsyncIterable<Uint8Array>, archive, {
            ...bundle,
            onBytes: stall.touch,
          })
          await unpackReadOnly(archive, dir)
        } catch (error) {
          if (!stall.signal.aborted) throw error
          throw new TrainyardError('unavailable', `The registry sent nothing for ${stallMs / 1000} s`, { cause: error })
        } finally {
          stall.stop()
          await rm(archive, { force: true })
        }
        return { dir }
      })().finally(() => running.delete(dir))
      running.set(dir, work)
      return await work
    },
  }
}

/** Aborts its signal when it is not touched for a while. */
function watchStall(stallMs: number) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), stallMs).unref()
  return { signal: controller.signal, touch: () => void timer.refresh(), stop: () => clearTimeout(timer) }
}

async function problemOf(response: Response): Promise<TrainyardError> {
  const problem = Problem.safeParse(await response.json().catch(() => undefined))
  if (!problem.success)
    return new TrainyardError('unavailable', `The registry responded with status ${response.status}`)
  const code = ProblemCode.safeParse(problem.data.code)
  const detail = problem.data.detail ?? problem.data.title
  // An invalid token of the runner, or a failing registry, is not an error of the caller.
  if (!code.success || response.status === 401 || response.status >= 500)
    return new TrainyardError('unavailable', `The registry failed: ${detail}`)
  if (code.data === 'not_found' || code.data === 'forbidden') return new TrainyardError('not_found', detail)
  return new TrainyardError('unprocessable', detail)
}

async function download(
  body: AsyncIterable<Uint8Array>,
  file: string,
  expected: { digest: string; sizeBytes: number; onBytes: () => void },
): Promise<void> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const handle = await open(file, 'wx')
  try {
    for await (const chunk of body) {
      expected.onBytes()
      sizeBytes += chunk.byteLength
      if (sizeBytes > expected.sizeBytes) break
      hash.update(chunk)
      await handle.write(chunk)
    }
  } finally {
    await handle.close()
  }
  const digest = `sha256:${hash.digest('hex')}`
  if (sizeBytes !== expected.sizeBytes || digest !== expected.digest)
    throw new TrainyardError(
      'unavailable',
      `The bundle has ${sizeBytes} bytes and digest ${digest}; expected ${expected.sizeBytes} bytes and ${expected.digest}`,
    )
}

/** Renames the unpacked folder into place, unless another runner was faster. */
async function unpackReadOnly(archive: string, dir: string): Promise<void> {
  const draft = `${dir}.${randomUUID()}`
  await unpackTar(createReadStream(archive), draft)
  try {
    await makeReadOnly(draft)
    await rename(draft, dir)
  } catch (error) {
    await chmod(draft, 0o755)
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(dir)) throw error
  }
}

/** Several jobs share the folder. The top folder stays writable by its owner, so that it can be renamed. */
async function makeReadOnly(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    await chmod(file, (await isExecutable(file)) ? 0o555 : 0o444)
  }
}

async function isExecutable(file: string): Promise<boolean> {
  const handle = await open(file, 'r')
  try {
    return ((await handle.stat()).mode & 0o111) !== 0
  } finally {
    await handle.close()
  }
}
