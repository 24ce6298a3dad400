export { readKubernetesConfig } from './config.ts'
export { createKubernetesLauncher } from './launcher.ts'
