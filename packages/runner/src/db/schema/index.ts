import type { ArtifactsTable } from './artifacts.ts'
import type { AttemptsTable } from './attempts.ts'
import type { CacheFillsTable } from './cache-fills.ts'
import type { DatasetFilesTable } from './dataset-files.ts'
import type { DatasetResultsTable } from './dataset-results.ts'
import type { DatasetSnapshotsTable } from './dataset-snapshots.ts'
import type { DatasetSplitFilesTable } from './dataset-split-files.ts'
import type { DatasetSplitsTable } from './dataset-splits.ts'
import type { DatasetUploadsTable } from './dataset-uploads.ts'
import type { DatasetsTable } from './datasets.ts'
import type { EventChunksTable } from './event-chunks.ts'
import type { EventsTable } from './events.ts'
import type { ExperimentBackendsTable } from './experiment-backends.ts'
import type { ExperimentsTable } from './experiments.ts'
import type { InstanceTable } from './instance.ts'
import type { JobsTable } from './jobs.ts'
import type { LogsTable } from './logs.ts'
import type { MetricBlocksTable } from './metric-blocks.ts'
import type { MetricsTable } from './metrics.ts'
import type { PendingDeletionsTable } from './pending-deletions.ts'
import type { PicturesTable } from './pictures.ts'
import type { ResourceSamplesTable } from './resource-samples.ts'
import type { UsageDaysTable } from './usage-days.ts'
import type { UsageMarksTable } from './usage-marks.ts'
import type { UsageTransfersTable } from './usage-transfers.ts'

/** The tables that the datasets area uses. */
export interface DatasetTables {
  datasets: DatasetsTable
  dataset_files: DatasetFilesTable
  dataset_snapshots: DatasetSnapshotsTable
  dataset_results: DatasetResultsTable
  dataset_uploads: DatasetUploadsTable
  dataset_splits: DatasetSplitsTable
  dataset_split_files: DatasetSplitFilesTable
  pending_deletions: PendingDeletionsTable
}

/** Every table of the runner's schema. */
export interface RunnerDatabase extends DatasetTables {
  instance: InstanceTable
  jobs: JobsTable
  attempts: AttemptsTable
  events: EventsTable
  event_chunks: EventChunksTable
  metrics: MetricsTable
  metric_blocks: MetricBlocksTable
  logs: LogsTable
  artifacts: ArtifactsTable
  pictures: PicturesTable
  cache_fills: CacheFillsTable
  experiments: ExperimentsTable
  experiment_backends: ExperimentBackendsTable
  resource_samples: ResourceSamplesTable
  usage_days: UsageDaysTable
  usage_transfers: UsageTransfersTable
  usage_marks: UsageMarksTable
}
