import type { Migration } from 'kysely/migration'
import { datasets } from './20261120T1000-datasets.ts'
import { jobs } from './20261120T1100-jobs.ts'
import { datasetUploads } from './20261121T0100-dataset-uploads.ts'
import { datasetProjects } from './20261121T0355-dataset-projects.ts'
import { jobProjects } from './20261121T0355-job-projects.ts'
import { intake } from './20261121T0400-intake.ts'
import { metricBlocks } from './20261121T0401-metric-blocks.ts'
import { datasetSources } from './20261121T0402-dataset-sources.ts'
import { jobSplits } from './20261121T0403-job-splits.ts'
import { queues } from './20261121T0405-queues.ts'
import { logsLevel } from './20261121T0445-logs-level.ts'
import { experiments } from './20261121T0518-experiments.ts'
import { eventChunks } from './20261121T0835-event-chunks.ts'
import { cacheFills } from './20261121T1400-cache-fills.ts'
import { heldOutput } from './20261129T1540-held-output.ts'
import { metricNames } from './20261129T1556-metric-names.ts'
import { isolationWarning } from './20261129T1600-isolation-warning.ts'
import { datasetObjects } from './20261129T2212-dataset-objects.ts'
import { pictures } from './20261130T0130-pictures.ts'
import { datasetVersions } from './20261130T0610-dataset-versions.ts'
import { datasetResults } from './20261130T0630-dataset-results.ts'
import { usage } from './20261130T1000-usage.ts'
import { resourceSamples } from './20261130T1015-resource-samples.ts'
import { datasetQuota } from './20261130T1055-dataset-quota.ts'
import { traceParents } from './20261130T1100-trace-parents.ts'
import { heldJobs } from './20261130T1410-held-jobs.ts'
import { runStatements } from './20261130T1415-run-statements.ts'
import { datasetLosses } from './20261130T2330-dataset-losses.ts'

/** By name, in the order in which they run. Databases record these names, so they never change. */
export const runnerMigrations: Record<string, Migration> = {
  '20261120T1000-datasets': datasets,
  '20261120T1100-jobs': jobs,
  '20261121T0100-dataset-uploads': datasetUploads,
  '20261121T0355-dataset-projects': datasetProjects,
  '20261121T0355-job-projects': jobProjects,
  '20261121T0400-intake': intake,
  '20261121T0401-metric-blocks': metricBlocks,
  '20261121T0402-dataset-sources': datasetSources,
  '20261121T0403-job-splits': jobSplits,
  '20261121T0405-queues': queues,
  '20261121T0445-logs-level': logsLevel,
  '20261121T0518-experiments': experiments,
  '20261121T0835-event-chunks': eventChunks,
  '20261121T1400-cache-fills': cacheFills,
  '20261129T1540-held-output': heldOutput,
  '20261129T1556-metric-names': metricNames,
  '20261129T1600-isolation-warning': isolationWarning,
  '20261129T2212-dataset-objects': datasetObjects,
  '20261130T0130-pictures': pictures,
  '20261130T0610-dataset-versions': datasetVersions,
  '20261130T0630-dataset-results': datasetResults,
  '20261130T1000-usage': usage,
  '20261130T1015-resource-samples': resourceSamples,
  '20261130T1055-dataset-quota': datasetQuota,
  '20261130T1100-trace-parents': traceParents,
  '20261130T1410-held-jobs': heldJobs,
  '20261130T1415-run-statements': runStatements,
  '20261130T2330-dataset-losses': datasetLosses,
}
