import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApi, identityRoutes, mountOpenApi, openApiDocument, TrainyardError } from '@trainyard/platform'
import { mountCheckChanges, mountCheckRoutes } from './acceptance/routes.ts'
import { authenticateChanges } from './auth/authenticate-changes.ts'
import { mountTokenRoutes } from './auth/routes.ts'
import { mountReadmePictureRoutes } from './catalogue/readme-picture-routes.ts'
import { mountCatalogueRoutes } from './catalogue/routes.ts'
import { mountSbomRoutes } from './catalogue/sbom-routes.ts'
import type { RegistryContext } from './context.ts'
import { mountFeedRoutes } from './feeds/routes.ts'
import { mountLifecycleRoutes } from './lifecycle/routes.ts'
import { mountMetrics } from './metrics/routes.ts'
import { mountOwnershipRoutes } from './ownership/routes.ts'
import { mountRepositoryRoutes } from './repositories/routes.ts'
import { mountRescanRoutes } from './rescans/routes.ts'
import { mountReviewRoutes } from './reviews/routes.ts'
import { mountRunRoutes } from './run-statements/routes.ts'
import { mountPublishingRoutes } from './trusted-publishing/routes.ts'
import { mountUsageRoutes } from './usage/routes.ts'
import { mountWebhookRoutes } from './webhooks/routes.ts'

/** Mounts every endpoint of the registry. It does not listen. */
export function createApp(context: RegistryContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  authenticateChanges(api, context)
  mountMetrics(api, context)
  mountRepositoryRoutes(api, context)
  mountTokenRoutes(api, context)
  mountCatalogueRoutes(api, context)
  mountSbomRoutes(api, context)
  mountReadmePictureRoutes(api, context)
  mountLifecycleRoutes(api, context)
  mountRunRoutes(api, context)
  mountReviewRoutes(api, context)
  mountUsageRoutes(api, context)
  mountPublishingRoutes(api, context)
  mountFeedRoutes(api, context)
  mountWebhookRoutes(api, context)
  mountRescanRoutes(api, context)
  mountOwnershipRoutes(api, context)
  mountCheckRoutes(api, context)
  mountCheckChanges(api, context)
  api.route('/', identityRoutes(context))
  api.get('/healthz', (c) => c.json({ status: 'ok' }))
  api.get('/readyz', async (c) => {
    try {
      await context.database.ping()
    } catch (error) {
      throw new TrainyardError('unavailable', 'The database does not respond', { retryAfterSeconds: 2, cause: error })
    }
    return c.json({ status: 'ok' })
  })
  mountOpenApi(api, () => describe(api))
  return api
}

export function describe(api: OpenAPIHono): Record<string, unknown> {
  return openApiDocument(api, {
    title: 'Trainyard registry',
    version: '1',
    description: 'Catalogue, checks and tokens. The OCI distribution spec 1.1 is served under /v2.',
  })
}
