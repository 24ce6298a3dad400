import { join, posix } from 'node:path'
import { MANIFEST_FILE_NAME, MANIFEST_IMAGE_LABEL, type TrainerManifest } from '@trainyard/contract'
import { InvalidTrainerError } from '../errors.ts'
import { gzipTar } from '../folders/gzip-tar.ts'
import { listFiles, summarize } from '../folders/list-files.ts'
import { type TarOptions, tarOfFolder } from '../folders/tar-of-folder.ts'
import { digestOf } from '../publish/digest-of.ts'
import { listBundleFiles } from '../publish/list-bundle-files.ts'
import { OCI_MANIFEST_MEDIA_TYPE } from '../publish/oci.ts'
import {
  type BaseImage,
  type BuiltImage,
  CONFIG_MEDIA_TYPE,
  DEFAULT_PATH,
  IMAGE_PATHS,
  type ImageConfig,
  LAYER_MEDIA_TYPE,
  type LayerFile,
} from './image.ts'

/** A folder that becomes a virtual environment of the base image's Python. */
export interface ImageEnvironment {
  dir: string
  /** In the base image. */
  python: { path: string; version: string }
  /** The file that declares what is in it, for the history of the image. */
  file: string
}

export interface BuildImageOptions {
  dir: string
  manifest: TrainerManifest
  base: BaseImage
  environment?: ImageEnvironment | undefined
  /** A folder for this build, which the caller removes when the image is no longer needed. */
  scratch: string
  onLayer?: ((layer: { what: string; files: number; sizeBytes: number; digest: string }) => void) | undefined
}

/** Not root: a number, because Kubernetes cannot tell whether a name is root. */
const USER = '65532:65532'
/** A higher one would take minutes for a framework, and save a few per cent. */
const ENVIRONMENT_LEVEL = 3

/**
 * Builds the image of a trainer without a container engine: the layers of a base image, one with the packages and one with the trainer's
 * files. Equal inputs give an equal digest. Throws {@link InvalidTrainerError} for files that an image cannot have.
 */
export async function buildImage(options: BuildImageOptions): Promise<BuiltImage> {
  const { dir, manifest: trainer, base, environment, scratch, onLayer = () => undefined } = options
  const own: { layer: LayerFile; what: string }[] = []
  if (environment !== undefined) {
    const what = `environment of ${environment.file}`
    const { files, refused } = await listFiles(environment.dir, isLeftOut)
    if (refused.length > 0)
      throw new InvalidTrainerError(`packages can have files and folders only, but these have ${summarize(refused)}`)
    const options = {
      under: IMAGE_PATHS.environment.slice(1),
      links: linksTo(environment.python),
      level: ENVIRONMENT_LEVEL,
    }
    const layer = await packLayer(environment.dir, files, join(scratch, 'environment.tar.gz'), options)
    own.push({ layer, what })
    onLayer({ what, files: files.length, sizeBytes: layer.sizeBytes, digest: layer.digest })
  }
  const files = await listBundleFiles(dir)
  if (!files.some(({ path }) => path === MANIFEST_FILE_NAME))
    throw new InvalidTrainerError(`.trainyardignore excludes ${MANIFEST_FILE_NAME}, which an image requires`)
  const layer = await packLayer(dir, files, join(scratch, 'trainer.tar.gz'), { under: IMAGE_PATHS.trainer.slice(1) })
  own.push({ layer, what: 'trainer' })
  onLayer({ what: 'trainer', files: files.length, sizeBytes: layer.sizeBytes, digest: layer.digest })
  return assemble(trainer, base, own, environment !== undefined)
}

async function packLayer(
  dir: string,
  files: Awaited<ReturnType<typeof listBundleFiles>>,
  target: string,
  { level, ...options }: TarOptions & { level?: number },
): Promise<LayerFile> {
  const { digest, sizeBytes, tarDigest } = await gzipTar(tarOfFolder(dir, files, options), target, { level })
  return { mediaType: LAYER_MEDIA_TYPE, digest, sizeBytes, diffId: tarDigest, file: target }
}

/** What uv leaves beside the packages, and compiled files, which differ from one build to the next. */
function isLeftOut(path: string): boolean {
  return path === '.lock' || /(?:^|\/)__pycache__$/.test(path)
}

/** The programs of a virtual environment: Python finds its packages beside the link that started it. */
function linksTo({ path, version }: ImageEnvironment['python']): Record<string, string> {
  const minor = /^\d+\.\d+/.exec(version)?.[0] ?? version
  return { 'bin/python': path, 'bin/python3': 'python', [`bin/python${minor}`]: 'python' }
}

function assemble(
  trainer: TrainerManifest,
  base: BaseImage,
  own: readonly { layer: LayerFile; what: string }[],
  hasEnvironment: boolean,
): BuiltImage {
  const layers = [...base.layers, ...own.map(({ layer }) => layer)]
  const config: ImageConfig = {
    ...base.config,
    config: runConfig(trainer, base, hasEnvironment),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: [
      ...historyOf(base),
      ...own.map(({ what }) => ({ created_by: `trainyard build: ${what}`, comment: 'trainyard' })),
    ],
  }
  const configBytes = Buffer.from(JSON.stringify(config))
  const configDigest = digestOf(configBytes)
  const annotations: Record<string, string> = {
    'org.opencontainers.image.title': trainer.name,
    'org.opencontainers.image.version': trainer.version,
  }
  if (base.digest !== undefined) {
    annotations['org.opencontainers.image.base.name'] = base.name
    annotations['org.opencontainers.image.base.digest'] = base.digest
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST_MEDIA_TYPE,
      config: { mediaType: CONFIG_MEDIA_TYPE, digest: configDigest, size: configBytes.length },
      layers: layers.map(({ mediaType, digest, sizeBytes }) => ({ mediaType, digest, size: sizeBytes })),
      annotations,
    }),
  )
  return {
    name: trainer.name,
    version: trainer.version,
    digest: digestOf(manifest),
    manifest,
    config: { bytes: configBytes, digest: configDigest },
    layers,
  }
}

/** What the image runs with, on top of what its base says. */
function runConfig(trainer: TrainerManifest, { config }: BaseImage, hasEnvironment: boolean): ImageConfig['config'] {
  const { config: run } = config
  const variables = (run?.Env ?? []).filter((text) => !text.startsWith('PATH='))
  const path = (run?.Env ?? []).find((text) => text.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  const first = hasEnvironment ? `${IMAGE_PATHS.environment}/bin:` : ''
  return {
    ...run,
    User: USER,
    WorkingDir: IMAGE_PATHS.trainer,
    // The platform starts the entry points of the manifest.
    Entrypoint: null,
    Cmd: trainer.entrypoints.train,
    Env: [`PATH=${first}${path}`, ...variables, ...(hasEnvironment ? [`VIRTUAL_ENV=${IMAGE_PATHS.environment}`] : [])],
    Labels: { ...run?.Labels, [MANIFEST_IMAGE_LABEL]: posix.join(IMAGE_PATHS.trainer, MANIFEST_FILE_NAME) },
  }
}

/** Images that were imported have layers without a history, and engines refuse one that is too short. */
function historyOf({ config, layers }: BaseImage): NonNullable<ImageConfig['history']> {
  const known = config.history ?? []
  const described = known.filter(({ empty_layer }) => empty_layer !== true).length
  return described === layers.length ? known : layers.map(() => ({ created_by: config.created }))
}
