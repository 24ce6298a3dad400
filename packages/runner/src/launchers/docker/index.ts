export { createDockerLauncher } from './launcher.ts'
