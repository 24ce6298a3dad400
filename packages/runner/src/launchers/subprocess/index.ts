export { removeCgroupParent } from './cgroups.ts'
export { detectIsolation, type SubprocessIsolation } from './detect-isolation.ts'
export { createSubprocessLauncher } from './launcher.ts'
export { describeSandbox } from './sandbox/find-sandbox.ts'
