import type { Migration } from '@trainyard/platform'
import { create } from './20261121000000-create.ts'
import { trigrams } from './20261121000100-trigrams.ts'
import { checkPipeline } from './20261129190000-check-pipeline.ts'
import { search } from './20261129192800-search.ts'
import { suppressionsAndAppeals } from './20261129193000-suppressions-and-appeals.ts'
import { channelsAndPulls } from './20261129194500-channels-and-pulls.ts'
import { sboms } from './20261129200500-sboms.ts'
import { blobReviews } from './20261129201000-blob-reviews.ts'
import { readableParts } from './20261129202200-readable-parts.ts'
import { narrowSearchEntries } from './20261129203500-narrow-search-entries.ts'
import { trust } from './20261129213500-trust.ts'
import { trustedPublishers } from './20261130012500-trusted-publishers.ts'
import { uploadReservations } from './20261130061500-upload-reservations.ts'
import { readmePictures } from './20261130065500-readme-pictures.ts'
import { webhooks } from './20261130093500-webhooks.ts'
import { rescans } from './20261130100800-rescans.ts'
import { namespaceProofs } from './20261130103200-namespace-proofs.ts'
import { searchInMemory } from './20261130140500-search-in-memory.ts'
import { runs } from './20261130143000-runs.ts'
import { verifiedInSearch } from './20261130154000-verified-in-search.ts'
import { reviews } from './20261130193000-reviews.ts'

/** By name, in the order in which they run. Databases record these names, so they never change. */
export const registryMigrations: Record<string, Migration> = {
  '20261121000000-create': create,
  '20261121000100-trigrams': trigrams,
  '20261129190000-check-pipeline': checkPipeline,
  '20261129192800-search': search,
  '20261129193000-suppressions-and-appeals': suppressionsAndAppeals,
  '20261129194500-channels-and-pulls': channelsAndPulls,
  '20261129200500-sboms': sboms,
  '20261129201000-blob-reviews': blobReviews,
  '20261129202200-readable-parts': readableParts,
  '20261129203500-narrow-search-entries': narrowSearchEntries,
  '20261129213500-trust': trust,
  '20261130012500-trusted-publishers': trustedPublishers,
  '20261130061500-upload-reservations': uploadReservations,
  '20261130065500-readme-pictures': readmePictures,
  '20261130093500-webhooks': webhooks,
  '20261130100800-rescans': rescans,
  '20261130103200-namespace-proofs': namespaceProofs,
  '20261130140500-search-in-memory': searchInMemory,
  '20261130143000-runs': runs,
  '20261130154000-verified-in-search': verifiedInSearch,
  '20261130193000-reviews': reviews,
}
