export { removeCgroupParent } from './cgroups.ts'
export { findMeans, type SubprocessMeans } from './find-means.ts'
export { createSubprocessLauncher } from './launcher.ts'
