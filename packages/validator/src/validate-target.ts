import type { ValidationReport } from '@trainyard/contract'
import { type OpenTargetOptions, openTarget } from './targets/open-target.ts'
import { validateImage } from './validate-image.ts'
import { type ValidateOptions, validateTrainer } from './validate-trainer.ts'

export interface ValidateTargetOptions extends Omit<ValidateOptions, 'dir' | 'isBundle' | 'withDigest'> {
  /** A folder, a bundle, an archive of an image (`docker save`, OCI layout), or the name of an image with its tag. */
  target: string
  /** Variables that say where the container engine and its credentials are. Default: those of this process. */
  env?: OpenTargetOptions['env']
}

/**
 * Checks a trainer's folder, its bundle, or an image.
 *
 * @throws UsageError if the target does not exist, or is something else
 */
export async function validateTarget({ target, env, ...options }: ValidateTargetOptions): Promise<ValidationReport> {
  const opened = await openTarget(target, { env, signal: options.signal })
  try {
    const report =
      opened.kind === 'image'
        ? await validateImage({ ...options, env, store: opened.store })
        : await validateTrainer({ ...options, dir: opened.dir, isBundle: opened.kind === 'bundle' })
    const { run } = report
    return run === undefined ? report : { ...report, run: { ...run, target: { given: target, ...run.target } } }
  } finally {
    await opened.close()
  }
}
