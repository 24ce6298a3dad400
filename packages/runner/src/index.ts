/**
 * Runs jobs of trainers: launches them, receives their reports and supervises them.
 *
 * ```ts
 * import { createLogger, createRunner, createStore, listen, listenForTrainers, readRunnerConfig, readStoreConfig } from '@trainyard/runner'
 *
 * const logger = createLogger({ name: 'runner' })
 * const { store, app } = createStore(readStoreConfig(process.env))
 * const runner = await createRunner({ config: readRunnerConfig(process.env), store, logger })
 * const server = await listen(runner.app, { port: 7601 })
 * await listenForTrainers(runner, app, server)
 * await runner.start()
 * ```
 *
 * @module
 */

// From the private package that a runner is built on.
export { createLogger, createStore, type Logger, listen, type ObjectStore, readStoreConfig } from '@trainyard/platform'
export { runnerOpenApi } from './app.ts'
export { DEFAULT_RUNNER_LIMITS, type RunnerConfig, type RunnerLimits, readRunnerConfig } from './config.ts'
export type { RunnerContext } from './context.ts'
export { type CreateRunnerOptions, createRunner, type Runner } from './create-runner.ts'
export {
  type EmbeddedRunner,
  type EmbeddedRunnerOptions,
  startEmbeddedRunner,
} from './embedded/start-embedded-runner.ts'
export { ImageNotLoaded } from './errors.ts'
export type { ClosedEngine, ImagePart, LoadableImage } from './launchers/closed-engine.ts'
export { createInstanceId } from './launchers/docker/instances.ts'
export type {
  AttemptRef,
  Launcher,
  LauncherCapabilities,
  LaunchRequest,
  Observation,
  OutputLine,
  OutputPosition,
} from './launchers/launcher.ts'
export { openClosedEngine } from './launchers/open-closed-engine.ts'
export {
  canWorkIn,
  createSubprocessLauncher,
  describeSandbox,
  detectIsolation,
  removeCgroupParent,
  type SeparateUsers,
  type SubprocessIsolation,
} from './launchers/subprocess/index.ts'
export { listenForTrainers } from './listen-for-trainers.ts'
export { createFolderTrainerSource } from './trainers/folder-source.ts'
export { createRegistryTrainerSource } from './trainers/registry-source.ts'
export type { ResolvedTrainer, TrainerSource } from './trainers/source.ts'
