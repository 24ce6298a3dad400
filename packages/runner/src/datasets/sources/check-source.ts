import type { DatasetSource as DatasetSourceRequest } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import type { DatasetSource } from '../../db/schema/datasets.ts'
import type { AllowedSource, DatasetContext } from '../context.ts'
import { findOwnPrefix, toFolderPrefix } from './own-prefixes.ts'

/**
 * The source as it is stored, if the configuration allows it for the organisation. The longest entry that contains the
 * prefix decides; all entries below the prefix must be allowed too. Throws `forbidden` with a message that does not
 * reveal whether other organisations may use the source.
 */
export function checkSource(
  context: DatasetContext,
  source: DatasetSourceRequest,
  organisation: string | undefined,
): DatasetSource {
  const { bucket } = source
  const prefix = toFolderPrefix(source.prefix)
  const entries = (context.config?.datasetSources ?? []).filter((entry) => entry.bucket === bucket)
  // The platform's own store, named by its bucket: it holds the datasets and checkpoints of other organisations.
  const isOwn = bucket !== undefined && bucket === context.store.bucket && findOwnPrefix(prefix) !== undefined
  if (isAllowed(entries, prefix, organisation) && !isOwn) return { bucket, prefix }
  const where = bucket === undefined ? `store://${prefix}` : `s3://${bucket}/${prefix}`
  throw new TrainyardError('forbidden', `${where} is not below a source that DATASET_SOURCES allows`, {
    issues: [{ path: 'source', detail: 'must be below an allowed source', value: where }],
  })
}

function isAllowed(entries: readonly AllowedSource[], prefix: string, organisation: string | undefined): boolean {
  const isOpen = (entryPrefix: string) =>
    entries.some(
      (entry) =>
        entry.prefix === entryPrefix &&
        (entry.organisations === undefined || entry.organisations.includes(organisation ?? '')),
    )
  const prefixes = entries.map((entry) => entry.prefix)
  const [longest] = prefixes.filter((each) => prefix.startsWith(each)).sort((a, b) => b.length - a.length)
  return longest !== undefined && isOpen(longest) && prefixes.filter((each) => each.startsWith(prefix)).every(isOpen)
}
