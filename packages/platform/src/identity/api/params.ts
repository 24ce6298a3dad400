import { z } from '@hono/zod-openapi'
import { Slug } from '@trainyard/contract'

export const OrganisationParams = z.object({ organisation: Slug })
