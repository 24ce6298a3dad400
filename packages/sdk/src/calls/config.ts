import type { ResolvedBasicConfig, ResolvedConfig } from '../job.ts'

/**
 * The job's settings from the environment: a basic one from its own variable (`EPOCHS`), then `CONFIG.basic`, then the
 * manifest's default, then the field's. Throws `ConfigError` naming the variable, the value seen and the value wanted.
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
 * The settings that every trainer has (epochs, batch, learning rate …), with every default applied. Throws
 * `ConfigError` as {@link getFullConfig} does.
 */
export async function getBasicConfig(env?: Readonly<Record<string, string | undefined>>): Promise<ResolvedBasicConfig> {
  return (await getFullConfig(env)).basic
}

/**
 * The settings of the trainer's own, as its manifest declares them. Throws `ConfigError` as {@link getFullConfig}
 * does.
 */
export async function getAdvancedConfig(
  env?: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, unknown>> {
  return (await getFullConfig(env)).advanced
}
