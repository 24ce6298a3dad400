export { type PackageIndex, startPackageIndex, type WheelOptions } from './package-index.ts'
export { whyNoEnvironments } from './uv.ts'
