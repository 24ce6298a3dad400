import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tests/setup/longest-first.ts'

// Neither "import" nor "module": Vitest hands these to Node, whose require() would then get ES modules (pg-pool breaks).
const conditions = ['trainyard-source', 'node']
const ignored = ['**/node_modules/**', '**/dist/**', '**/.trainyard/**', '**/fixtures/**']
const special = [
  's3',
  'docker',
  'kubernetes',
  'browser',
  'peers',
  'mlflow',
  'scanners',
  'python',
  'identity',
  'deploy',
  'workflows',
  'temporal',
].map((name) => `**/*.${name}.test.ts`)

/** A project of tests that need something of their own; each says itself what it skips and how to get it. */
const needing = (
  name: string,
  {
    include = [],
    ...more
  }: Partial<{
    globalSetup: string[]
    fileParallelism: boolean
    /** Beside those of its name. */
    include: string[]
    env: Record<string, string>
  }> = {},
) => ({
  extends: true as const,
  test: {
    name,
    include: [`**/*.${name}.test.ts`, ...include],
    exclude: ignored,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    ...more,
  },
})

export default defineConfig({
  resolve: { conditions },
  // The global setup runs in this environment of Vitest's own, which takes no conditions from the two around it.
  environments: { __vitest__: { resolve: { conditions, externalConditions: conditions } } },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'hono/jsx' } },
  test: {
    environment: 'node',
    globalSetup: ['tests/setup/database.ts'],
    pool: 'forks',
    execArgv: ['--conditions=trainyard-source'],
    // Most tests wait for processes, databases and sockets more than they compute.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // On a shared machine one second try, named in the output: investigate every test that needed it.
    retry: process.env.CI ? 1 : 0,
    // Generous: on a machine that others use, too, everything takes longer, and a test waits only as long as it must.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts', '**/*.test.tsx'],
          exclude: [...ignored, ...special],
          // Loading the packages for each file took a large part of the whole time.
          isolate: false,
          setupFiles: ['tests/setup/clean-process.ts'],
        },
      },
      needing('s3'),
      needing('docker'),
      // Serially: there is one node, and some tests take it away.
      needing('kubernetes', {
        globalSetup: ['tests/setup/database.ts', 'tests/setup/kubernetes.ts'],
        fileParallelism: false,
      }),
      needing('mlflow'),
      needing('scanners'),
      needing('python'),
      needing('workflows'),
      needing('identity'),
      // The suite of the supervisor runs a second time, with the other orchestrator.
      needing('temporal', {
        include: process.env.TEMPORAL_ADDRESS === undefined ? [] : ['packages/runner/src/supervisor/**/*.test.ts'],
        env: { TEST_ORCHESTRATOR: 'temporal' },
      }),
      needing('browser'),
      needing('peers'),
      needing('deploy', { fileParallelism: false }),
    ],
  },
})
