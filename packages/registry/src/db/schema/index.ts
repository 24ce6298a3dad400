import type { AppealTable } from './appeals.ts'
import type { AttachmentTable } from './attachments.ts'
import type { BlobReviewTable } from './blob-reviews.ts'
import type { BlobTable } from './blobs.ts'
import type { ChannelTable } from './channels.ts'
import type { CheckTable } from './checks.ts'
import type { LayerResultTable } from './layer-results.ts'
import type { LinkReviewTable } from './link-reviews.ts'
import type { ManifestReferenceTable } from './manifest-references.ts'
import type { ManifestTable } from './manifests.ts'
import type { NamespaceProofTable } from './namespace-proofs.ts'
import type { PartManifestTable } from './part-manifests.ts'
import type { PartScanTable, ScannerStateTable } from './part-scans.ts'
import type { DailyPullTable, PullSaltTable, PullSubjectTable } from './pulls.ts'
import type { ReadmePictureTable } from './readme-pictures.ts'
import type { RepositoryTable } from './repositories.ts'
import type { RepositoryBlobTable } from './repository-blobs.ts'
import type { ReviewReportTable, ReviewTable } from './reviews.ts'
import type { RunTable } from './runs.ts'
import type { SbomTable } from './sboms.ts'
import type { SearchEntryTable, SearchFacetTable, SearchWordTable } from './search.ts'
import type { SuppressionTable } from './suppressions.ts'
import type { TagTable } from './tags.ts'
import type { ExchangedTokenTable, TrustedPublisherTable } from './trusted-publishers.ts'
import type { UploadChunkTable } from './upload-chunks.ts'
import type { UploadReservationTable } from './upload-reservations.ts'
import type { UploadTable } from './uploads.ts'
import type { VersionNoticeTable } from './version-notices.ts'
import type { VersionPartTable } from './version-parts.ts'
import type { VersionTable } from './versions.ts'
import type { WebhookDeliveryTable, WebhookTable } from './webhooks.ts'

/** Every table of the registry's schema. */
export interface RegistryDatabase {
  repositories: RepositoryTable
  blobs: BlobTable
  repository_blobs: RepositoryBlobTable
  link_reviews: LinkReviewTable
  blob_reviews: BlobReviewTable
  uploads: UploadTable
  upload_chunks: UploadChunkTable
  upload_reservations: UploadReservationTable
  manifests: ManifestTable
  manifest_references: ManifestReferenceTable
  attachments: AttachmentTable
  tags: TagTable
  versions: VersionTable
  version_parts: VersionPartTable
  part_manifests: PartManifestTable
  readme_pictures: ReadmePictureTable
  checks: CheckTable
  layer_results: LayerResultTable
  runs: RunTable
  reviews: ReviewTable
  review_reports: ReviewReportTable
  search_facets: SearchFacetTable
  search_entries: SearchEntryTable
  search_words: SearchWordTable
  suppressions: SuppressionTable
  appeals: AppealTable
  channels: ChannelTable
  version_notices: VersionNoticeTable
  daily_pulls: DailyPullTable
  pull_subjects: PullSubjectTable
  pull_salts: PullSaltTable
  sboms: SbomTable
  trusted_publishers: TrustedPublisherTable
  exchanged_tokens: ExchangedTokenTable
  namespace_proofs: NamespaceProofTable
  scanner_states: ScannerStateTable
  part_scans: PartScanTable
  webhooks: WebhookTable
  webhook_deliveries: WebhookDeliveryTable
}
