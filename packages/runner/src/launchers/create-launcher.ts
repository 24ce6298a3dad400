import { join } from 'node:path'
import type { Logger } from '@trainyard/platform'
import { type DockerConfig, readDockerConfig, withRegistryToken } from './docker/config.ts'
import type { KubernetesConfig } from './kubernetes/config.ts'
import type { Launcher } from './launcher.ts'
import type { SubprocessSettings } from './subprocess/config.ts'
import { createSubprocessLauncher, detectIsolation } from './subprocess/index.ts'

export const LAUNCHERS = ['subprocess', 'docker', 'kubernetes'] as const
export type LauncherName = (typeof LAUNCHERS)[number]

/** The settings that decide where and how trainers run. */
export interface LauncherConfig {
  /** Default: `subprocess`. */
  launcher?: LauncherName | undefined
  /** For `docker`. */
  docker?: DockerConfig | undefined
  /** For `kubernetes`. */
  kubernetes?: KubernetesConfig | undefined
  /** For `subprocess`. Default: trainers are not isolated from each other, and devices are not counted. */
  subprocess?: SubprocessSettings | undefined
  /**
   * Whether every trainer was installed by the operator, who may run it without a sandbox. Default: false, where `subprocess`
   * is given.
   */
  trustsTrainers?: boolean | undefined
  /** Folders besides the data folder that trainers must not see, such as the database's. */
  hiddenDirs?: readonly string[] | undefined
  /** Holds datasets for trainers, which only read it. Default: `datasets` in the data folder. */
  datasetCacheDir?: string | undefined
  datasetCacheMaxGb: number
  /** Seconds from SIGTERM to SIGKILL. */
  cancelGraceSeconds: number
  registryUrl?: string | undefined
  registryToken?: string | undefined
}

export interface CreateLauncherOptions {
  config: LauncherConfig
  /** Absolute path. */
  dataDir: string
  /** Identifies the runner's database. Job numbers start at 1 in each database, so this keeps their attempts apart. */
  instanceId: string
  logger: Logger
}

/** Creates the launcher that the configuration names. */
export async function createLauncher(options: CreateLauncherOptions): Promise<Launcher> {
  const { config, dataDir, instanceId, logger } = options
  const { datasetCacheDir = join(dataDir, 'datasets'), datasetCacheMaxGb } = config
  switch (config.launcher ?? 'subprocess') {
    case 'subprocess': {
      const { subprocess } = config
      const dataDirs = [dataDir, ...(config.hiddenDirs ?? [])]
      const isolation =
        subprocess === undefined ? undefined : await detectIsolation(subprocess, { dataDirs, instanceId, logger })
      const isAllowed = config.trustsTrainers === true || subprocess?.allowUnsandboxed === true
      const weakness = isolation?.weakness
      return createSubprocessLauncher({
        ...isolation,
        refusal: weakness === undefined || isAllowed ? undefined : refusal(weakness),
        attemptsDir: join(dataDir, 'attempts', instanceId),
        datasetCacheDir,
        datasetCacheMaxGb,
        logger,
      })
    }
    case 'docker': {
      // Imported only when used: the client is large and takes long to load.
      const { createDockerLauncher } = await import('./docker/index.ts')
      const { docker = readDockerConfig({}), registryUrl, registryToken } = config
      return await createDockerLauncher({
        config: withRegistryToken(docker, registryUrl, registryToken),
        instanceId,
        datasetCacheDir,
        datasetCacheMaxGb,
        logger,
      })
    }
    case 'kubernetes': {
      // Imported only when used: the client is large and takes long to load.
      const { createKubernetesLauncher, readKubernetesConfig } = await import('./kubernetes/index.ts')
      return createKubernetesLauncher({
        ...(config.kubernetes ?? readKubernetesConfig({}, config)),
        instanceId,
        logger,
      })
    }
  }
}

function refusal(weakness: string): string {
  return `No sandbox here: this machine cannot isolate trainers of others, so they are not started. ${weakness}, or set SUBPROCESS_ALLOW_UNSANDBOXED=true (npm start -- --allow-unsandboxed) if you trust every trainer`
}
