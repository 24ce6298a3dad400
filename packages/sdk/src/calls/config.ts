import type { ResolvedBasicConfig, ResolvedConfig } from '../job.ts'

/**
 * The job's settings. A basic setting is read from its own variable (`EPOCHS`), then from `CONFIG.basic`, then from the
 * manifest's default, then from the contract's default. Throws `ConfigError` for an invalid value, with its variable.
 */
export async function getFullConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ResolvedConfig> {
  const [{ findManifest }, { resolveConfig }] = await Promise.all([
    import('../config/find-manifest.ts'),
    import('../config/resolve-config.ts'),
  ])
  return resolveConfig(env, findManifest(undefined, process.argv[1]))
}

/**
 * The settings that every trainer has (epochs, batch, learning rate …), with all defaults applied. Throws `ConfigError` like
 * {@link getFullConfig}.
 */
export async function getBasicConfig(env?: Readonly<Record<string, string | undefined>>): Promise<ResolvedBasicConfig> {
  return (await getFullConfig(env)).basic
}

/**
 * The trainer's own settings, which its manifest declares. Throws `ConfigError` like {@link getFullConfig}.
 */
export async function getAdvancedConfig(
  env?: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, unknown>> {
  return (await getFullConfig(env)).advanced
}
