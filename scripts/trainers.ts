/** Builds every trainer into its `dist`: `npm run trainers`. */
import { buildableTrainers, buildTrainer } from './lib/trainers.ts'

for (const dir of buildableTrainers()) {
  await buildTrainer(dir)
  console.log(`built ${dir}`)
}
