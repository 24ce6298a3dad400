export type { SubprocessConfig } from './config.ts'
export { createSubprocessLauncher } from './launcher.ts'
