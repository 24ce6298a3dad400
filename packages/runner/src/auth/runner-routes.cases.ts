import type { RouteRule } from '@trainyard/platform/testing'

/** The runner's own routes for people. */
export const RUNNER_ROUTES: Readonly<Record<string, RouteRule>> = {
  'GET /v1/jobs': { needs: 'jobs:read' },
  'POST /v1/jobs': { needs: 'jobs:write', audit: 'job.create' },
  'POST /v1/jobs/check': { needs: 'jobs:write', outside: 'It changes nothing' },
  'GET /v1/jobs/{id}': { needs: 'jobs:read' },
  'DELETE /v1/jobs/{id}': { needs: 'jobs:write', audit: 'job.delete' },
  'POST /v1/jobs/{id}/cancel': { needs: 'jobs:write', audit: 'job.cancel' },
  'POST /v1/jobs/{id}/restart': { needs: 'jobs:write', audit: 'job.restart' },
  'GET /v1/jobs/{id}/attempts': { needs: 'jobs:read' },
  'GET /v1/jobs/{id}/events': { needs: 'jobs:read' },
  'GET /v1/jobs/{id}/metrics': { needs: 'jobs:read' },
  'GET /v1/jobs/{id}/logs': { needs: 'jobs:read' },
  'GET /v1/jobs/{id}/live': { needs: 'jobs:read' },
  'GET /v1/jobs/{id}/artifacts': { needs: 'jobs:read' },
  'GET /v1/jobs/{id}/artifacts/{artifactId}/download': { needs: 'jobs:read' },
  'DELETE /v1/jobs/{id}/artifacts/{artifactId}': { needs: 'jobs:write', audit: 'artifact.delete' },
  'GET /v1/retention': { needs: 'jobs:read' },
  'GET /v1/datasets': { needs: 'datasets:read' },
  'POST /v1/datasets': { needs: 'datasets:write', audit: 'dataset.create' },
  'GET /v1/datasets/{id}': { needs: 'datasets:read' },
  'DELETE /v1/datasets/{id}': { needs: 'datasets:write', audit: 'dataset.delete' },
  'GET /v1/datasets/{id}/files': { needs: 'datasets:read' },
  'GET /v1/snapshots': { needs: 'datasets:read' },
  'GET /v1/snapshots/{id}': { needs: 'datasets:read' },
}
