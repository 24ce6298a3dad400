import { createWeb } from '../index.ts'
import { createFakeApi, type FakeApi } from './fake-api.ts'
import {
  artifactsFixture,
  datasetFixture,
  imagesFixture,
  jobFixture,
  logsFixture,
  NOW,
  seriesFixture,
  trainerFixture,
  versionFixture,
} from './fixtures.ts'

/** The pages over scripted APIs that know one of everything; `state` replaces what they know. */
export function createTestWeb(state: Parameters<typeof createFakeApi>[0] = {}) {
  const api: FakeApi = createFakeApi({
    trainers: [trainerFixture()],
    versions: [versionFixture()],
    jobs: [jobFixture()],
    datasets: [datasetFixture()],
    images: imagesFixture(),
    series: seriesFixture(8),
    logs: logsFixture(),
    artifacts: artifactsFixture().artifacts,
    ...state,
  })
  const { app } = createWeb({
    registryUrl: 'http://registry.test',
    runnerUrl: 'http://runner.test',
    fetch: api.fetch,
    now: () => NOW,
  })
  return { api, app }
}
