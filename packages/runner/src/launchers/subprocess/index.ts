export { createSubprocessLauncher } from './launcher.ts'
