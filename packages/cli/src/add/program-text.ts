import type { AddedOperation, OperationProgram, ProgramKind } from './find-program.ts'

/** The format of a checkpoint that is exported as it is. */
export const CHECKPOINT_FORMAT = 'checkpoint'

/** The program of an operation. An export of checkpoints works at once; what depends on the model fails until it is written. */
export function programText(operation: AddedOperation, { kind, file }: OperationProgram, format: string): string {
  if (operation === 'predict') return PREDICT[kind](file)
  return format === CHECKPOINT_FORMAT ? EXPORT_CHECKPOINT[kind] : EXPORT[kind](file, format)
}

type Texts<T> = Readonly<Record<ProgramKind, T>>

const RAW_PYTHON = `import json, os

job = json.load(open(os.environ["TRAINYARD_JOB_FILE"]))
events = open(os.environ["TRAINYARD_EVENTS"], "w", buffering=1)
say = lambda type, **fields: print(json.dumps({"type": type, **fields}), file=events)
`

const PREDICT: Texts<(file: string) => string> = {
  javascript: (file) => `import { defineTrainer, runTrainer } from '@trainyard/sdk'

await runTrainer(
  defineTrainer({
    async predict(job) {
      const { path } = await job.inputs.checkpoint()
      // Load the model from \`path\` here, once for all images.
      for (const image of await job.images()) {
        // Find the objects of the file image.path, and replace the next line by a report of them:
        // job.predictions(image.name, [{ classId: 0, className: 'cat', confidence: 0.98 }])
        throw new Error(\`${file} does not predict yet: \${image.name}, with the model of \${path}\`)
      }
    },
  }),
)
`,
  'python-with-sdk': (file) => `"""Predicts images with a checkpoint."""

from trainyard_sdk import job

# Load the model from job.start.path here, once for all images.
for image in job.images():
    # Find the objects of the file image["path"], and replace the next line by a report of them:
    # job.prediction(image["name"], [{"classId": 0, "className": "cat", "confidence": 0.98}])
    raise NotImplementedError(f"${file} does not predict yet: {image['name']}, with the model of {job.start.path}")
`,
  python: (file) => `"""Predicts images with a checkpoint."""

${RAW_PYTHON}
# Load the model from job["checkpoint"]["path"] here, once for all images.
for image in map(json.loads, open(job["imagesFile"])):
    # Find the objects of the file image["path"], and replace the next line by a report of them:
    # say("prediction", imageName=image["name"], predictions=[{"classId": 0, "className": "cat", "confidence": 0.98}])
    raise NotImplementedError(f"${file} does not predict yet: {image['name']}, with the model of {job['checkpoint']['path']}")
`,
}

const EXPORT_CHECKPOINT: Texts<string> = {
  javascript: `import { defineTrainer, runTrainer } from '@trainyard/sdk'

await runTrainer(
  defineTrainer({
    async export(job) {
      const { path } = await job.inputs.checkpoint()
      // The checkpoint as it is. For another format, write the model to a file in job.workDir, upload that one, and name the format
      // in "exportFormats" of trainer.json: job.exportFormat is the one that the job asks for.
      await job.artifact('export', path)
    },
  }),
)
`,
  'python-with-sdk': `"""Exports a checkpoint."""

from trainyard_sdk import job

# The checkpoint as it is. For another format, write the model to a file in job.work_dir, upload that one, and name the format in
# "exportFormats" of trainer.json: job.export_format is the one that the job asks for.
job.artifact(job.start.path, kind="export")
`,
  python: `"""Exports a checkpoint."""

${RAW_PYTHON}
# The checkpoint as it is. For another format, write the model to a file in job["workDir"], report that one, and name the format in
# "exportFormats" of trainer.json: job["exportFormat"] is the one that the job asks for.
say("artifact", kind="export", file=job["checkpoint"]["path"])
`,
}

const EXPORT: Texts<(file: string, format: string) => string> = {
  javascript: (file, format) => `import { join } from 'node:path'
import { defineTrainer, runTrainer } from '@trainyard/sdk'

await runTrainer(
  defineTrainer({
    async export(job) {
      const { path } = await job.inputs.checkpoint()
      const file = join(job.workDir, 'model.${format}')
      // Load the model from \`path\`, write it to \`file\` as ${format}, and replace the next line by: await job.artifact('export', file)
      throw new Error(\`${file} does not write \${job.exportFormat} yet: from \${path} to \${file}\`)
    },
  }),
)
`,
  'python-with-sdk': (file, format) => `"""Exports a checkpoint as ${format}."""

import os

from trainyard_sdk import job

file = os.path.join(job.work_dir, "model.${format}")
# Load the model from job.start.path, write it to \`file\` as ${format}, and replace the next line by: job.artifact(file, kind="export")
raise NotImplementedError(f"${file} does not write {job.export_format} yet: from {job.start.path} to {file}")
`,
  python: (file, format) => `"""Exports a checkpoint as ${format}."""

${RAW_PYTHON}
file = os.path.join(job["workDir"], "model.${format}")
# Load the model from job["checkpoint"]["path"], write it to \`file\` as ${format}, and replace the next line by: say("artifact", kind="export", file=file)
raise NotImplementedError(f"${file} does not write {job['exportFormat']} yet: from {job['checkpoint']['path']} to {file}")
`,
}
