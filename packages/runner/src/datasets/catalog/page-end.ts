import { Timestamp } from '@trainyard/contract'
import { z } from 'zod'

/** The last row of a page that is sorted by creation and id: the content of its cursor. */
export const PageEnd = z.tuple([Timestamp, z.string()])
export type PageEnd = z.infer<typeof PageEnd>
