// Run by bootstrap.mjs inside `npx -p node@24 -p pnpm@…`: says where the two lie.
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const pnpm = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, '..', 'pnpm', 'bin', 'pnpm.mjs'))
  .find((file) => existsSync(file))
console.log(JSON.stringify({ node: process.execPath, pnpm: pnpm && realpathSync(pnpm) }))
