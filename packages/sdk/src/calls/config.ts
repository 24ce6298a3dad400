import type { ConfigOf } from '../job-config.ts'

/**
 * The job's settings. A basic setting is read from its own variable (`EPOCHS`), then from `CONFIG.basic`, then from the
 * manifest's default, then from the contract's default. Throws `ConfigError` for an invalid value, with its variable.
 * With the type of the manifest, `getFullConfig<typeof manifest>()`, the settings have their types.
 */
export async function getFullConfig<M = unknown>(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ConfigOf<M>> {
  const [{ findManifest }, { resolveConfig }] = await Promise.all([
    import('../config/find-manifest.ts'),
    import('../config/resolve-config.ts'),
  ])
  return resolveConfig(env, findManifest(undefined, process.argv[1])) as ConfigOf<M>
}

/**
 * The settings that every trainer has (epochs, batch, learning rate …), with all defaults applied. Throws `ConfigError` like
 * {@link getFullConfig}.
 */
export async function getBasicConfig<M = unknown>(
  env?: Readonly<Record<string, string | undefined>>,
): Promise<ConfigOf<M>['basic']> {
  return (await getFullConfig<M>(env)).basic
}

/**
 * The trainer's own settings, which its manifest declares. Throws `ConfigError` like {@link getFullConfig}.
 */
export async function getAdvancedConfig<M = unknown>(
  env?: Readonly<Record<string, string | undefined>>,
): Promise<ConfigOf<M>['advanced']> {
  return (await getFullConfig<M>(env)).advanced
}
