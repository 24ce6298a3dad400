import type { CheckPhase } from '@trainyard/contract'
import type { ComplianceRule, FolderRule, Rule } from '../rule.ts'
import { accuracyTrue } from './accuracy-true.ts'
import { cancelObeyed } from './cancel-obeyed.ts'
import { checkpointSaved } from './checkpoint-saved.ts'
import { checkpointUsed } from './checkpoint-used.ts'
import { checkpointsChange } from './checkpoints-change.ts'
import { configSchema } from './config-schema.ts'
import { cpuDeclared } from './cpu-declared.ts'
import { credentialFiles } from './credential-files.ts'
import { credentialsHidden } from './credentials-hidden.ts'
import { dataMatters } from './data-matters.ts'
import { datasetRead } from './dataset-read.ts'
import { datasetUnchanged } from './dataset-unchanged.ts'
import { dockerfileAddUrl } from './dockerfile-add-url.ts'
import { dockerfileBaseTag } from './dockerfile-base-tag.ts'
import { dockerfileExecForm } from './dockerfile-exec-form.ts'
import { dockerfilePipedScript } from './dockerfile-piped-script.ts'
import { dockerfileSecrets } from './dockerfile-secrets.ts'
import { dockerfileSyntax } from './dockerfile-syntax.ts'
import { dockerfileUnpinnedPackage } from './dockerfile-unpinned-package.ts'
import { dockerfileUpgrade } from './dockerfile-upgrade.ts'
import { dockerfileUser } from './dockerfile-user.ts'
import { dockerfileWorldWritable } from './dockerfile-world-writable.ts'
import { entryPointShell } from './entry-point-shell.ts'
import { entryPoints } from './entry-points.ts'
import { environmentDeclared } from './environment-declared.ts'
import { environmentMade } from './environment-made.ts'
import { environmentValid } from './environment-valid.ts'
import { epochsComplete } from './epochs-complete.ts'
import { eventsValid } from './events-valid.ts'
import { exitsAfterEnd } from './exits-after-end.ts'
import { exportAgrees } from './export-agrees.ts'
import { exportEntryPoint } from './export-entry-point.ts'
import { exportFormat } from './export-format.ts'
import { exportPredicts } from './export-predicts.ts'
import { exportUsesCheckpoint } from './export-uses-checkpoint.ts'
import { exportWorks } from './export-works.ts'
import { hashedDependencies } from './hashed-dependencies.ts'
import { hostsDeclared } from './hosts-declared.ts'
import { installsWhileRunning } from './installs-while-running.ts'
import { journalSurvives503 } from './journal-survives-503.ts'
import { labelsMatter } from './labels-matter.ts'
import { largerDataset } from './larger-dataset.ts'
import { licenceFile } from './licence-file.ts'
import { lifecycleOrder } from './lifecycle-order.ts'
import { linksAndSpecialFiles } from './links-and-special-files.ts'
import { lockFile } from './lock-file.ts'
import { manifestIdentity } from './manifest-identity.ts'
import { manifestMissing } from './manifest-missing.ts'
import { manifestSchema } from './manifest-schema.ts'
import { manifestSyntax } from './manifest-syntax.ts'
import { metricsFinite } from './metrics-finite.ts'
import { metricsInRange } from './metrics-in-range.ts'
import { modelsAndTasks } from './models-and-tasks.ts'
import { modulesDeclared } from './modules-declared.ts'
import { nativePrograms } from './native-programs.ts'
import { outageSurvived } from './outage-survived.ts'
import { outputVolume } from './output-volume.ts'
import { packageSize } from './package-size.ts'
import { predictWorks } from './predict-works.ts'
import { predictionsPossible } from './predictions-possible.ts'
import { primaryMetric } from './primary-metric.ts'
import { processesEnd } from './processes-end.ts'
import { readme } from './readme.ts'
import { resourcesPlausible } from './resources-plausible.ts'
import { resultTrue } from './result-true.ts'
import { sameSeed } from './same-seed.ts'
import { secrets } from './secrets.ts'
import { startsInTime } from './starts-in-time.ts'
import { tlsChecked } from './tls-checked.ts'
import { trainingComputes } from './training-computes.ts'
import { truthfulEnd } from './truthful-end.ts'
import { unknownFields } from './unknown-fields.ts'
import { unsafeLoading } from './unsafe-loading.ts'
import { unscannedFiles } from './unscanned-files.ts'
import { uploadsOnlyResults } from './uploads-only-results.ts'
import { validatorConfig } from './validator-config.ts'
import { worksAfterEnd } from './works-after-end.ts'
import { writesInsideWorkDir } from './writes-inside-work-dir.ts'

/** Rules for the trainer's folder, by code. */
export const FOLDER_RULES: readonly FolderRule[] = [
  manifestMissing,
  manifestSyntax,
  manifestSchema,
  manifestIdentity,
  entryPoints,
  configSchema,
  modelsAndTasks,
  exportEntryPoint,
  unknownFields,
  environmentDeclared,
  environmentValid,
  resourcesPlausible,
  entryPointShell,
  validatorConfig,
  readme,
  licenceFile,
  dockerfileSyntax,
  dockerfileExecForm,
  dockerfileUser,
  dockerfileBaseTag,
  dockerfileSecrets,
  packageSize,
  linksAndSpecialFiles,
  lockFile,
  hashedDependencies,
  dockerfileWorldWritable,
  dockerfileAddUrl,
  dockerfilePipedScript,
  dockerfileUpgrade,
  dockerfileUnpinnedPackage,
  secrets,
  unscannedFiles,
  credentialFiles,
  tlsChecked,
  installsWhileRunning,
  unsafeLoading,
  nativePrograms,
]

/** Rules for the compliance run, by code. */
export const COMPLIANCE_RULES: readonly ComplianceRule[] = [
  uploadsOnlyResults,
  hostsDeclared,
  lifecycleOrder,
  epochsComplete,
  primaryMetric,
  truthfulEnd,
  checkpointSaved,
  predictWorks,
  exportWorks,
  startsInTime,
  cancelObeyed,
  eventsValid,
  environmentMade,
  modulesDeclared,
  exitsAfterEnd,
  outputVolume,
  sameSeed,
  processesEnd,
  cpuDeclared,
  worksAfterEnd,
  journalSurvives503,
  outageSurvived,
  largerDataset,
  writesInsideWorkDir,
  credentialsHidden,
  metricsFinite,
  metricsInRange,
  exportFormat,
  checkpointUsed,
  datasetRead,
  accuracyTrue,
  labelsMatter,
  exportUsesCheckpoint,
  datasetUnchanged,
  predictionsPossible,
  resultTrue,
  trainingComputes,
  dataMatters,
  checkpointsChange,
  exportAgrees,
  exportPredicts,
]

/** Every rule of the validator, by code. */
export const RULES: readonly Rule[] = [...FOLDER_RULES, ...COMPLIANCE_RULES].sort((a, b) => (a.code < b.code ? -1 : 1))

/** The phases that have a rule selected by `--only`. */
export function phasesOf(only: readonly string[]): CheckPhase[] {
  const phases = RULES.filter((rule) => isSelected(rule.code, only)).map((rule) => rule.phase)
  return [...new Set(phases)]
}

/** Whether `--only` selects a rule. Without prefixes, every rule is selected. */
export function isSelected(code: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((prefix) => code.startsWith(prefix))
}
