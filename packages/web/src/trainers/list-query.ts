import { DatasetFormat, ExportFormat, TaskType, TrustTier } from '@trainyard/contract'
import { z } from 'zod'

export const SORTS = ['relevance', 'popular', 'newest', 'name'] as const

/** The query of the list of trainers. Invalid parameters are ignored: part of a query beats an error page. */
export const ListQuery = z.object({
  q: z.string().trim().max(200).optional().catch(undefined),
  task: TaskType.optional().catch(undefined),
  framework: z.string().trim().max(50).optional().catch(undefined),
  export: ExportFormat.optional().catch(undefined),
  reads: DatasetFormat.optional().catch(undefined),
  license: z.string().trim().max(200).optional().catch(undefined),
  tier: TrustTier.optional().catch(undefined),
  sort: z.enum(SORTS).optional().catch(undefined),
  cursor: z.string().max(1000).optional().catch(undefined),
})
export type ListQuery = z.infer<typeof ListQuery>
