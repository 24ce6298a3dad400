import type { TrainerManifest } from '@trainyard/contract'
import { shellQuote } from './shell-quote.ts'

/** The two requests that train with a version: upload a folder as a dataset, then start a job on it. */
export function runCommands(manifest: TrainerManifest, runnerUrl: string): { upload: string; train: string } {
  const body = [
    '{',
    `    "trainer": ${JSON.stringify(`${manifest.name}@${rangeFor(manifest.version)}`)},`,
    '    "dataset": "DATASET_ID",',
    '    "config": { "epochs": 10 }',
    '  }',
  ].join('\n')
  return {
    upload: [
      'tar -cz -C my-dataset . | curl --fail-with-body -X POST \\',
      "  -H 'content-type: application/gzip' --data-binary @- \\",
      `  ${shellQuote(`${runnerUrl}/v1/datasets?name=my-dataset`)}`,
    ].join('\n'),
    train: [
      `curl --fail-with-body ${shellQuote(`${runnerUrl}/v1/jobs`)} \\`,
      "  -H 'content-type: application/json' \\",
      `  -d ${shellQuote(body)}`,
    ].join('\n'),
  }
}

/** `1.4.2` → `^1.4.2`; a prerelease only means itself. */
function rangeFor(version: string): string {
  return version.includes('-') ? version : `^${version}`
}
