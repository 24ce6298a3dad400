import type { Job } from '@trainyard/contract'
import type { Child } from 'hono/jsx'
import { formatBytes, formatCount, formatDuration } from '../format.ts'
import { t } from '../words/t.ts'
import { artifactPath, type PageArtifact } from './job-artifacts.tsx'

/** The result of a prediction or an export. A training job has curves instead. */
export function JobResult({ job, artifacts }: { job: Job; artifacts: readonly PageArtifact[] }) {
  const { result } = job
  if (job.operation === 'train') return <div id="job-result" hidden />
  if (result === undefined || result.operation === 'train') {
    return (
      <div id="job-result">
        <p class="muted">
          {isOver(job)
            ? t('The job ended without a result.')
            : job.operation === 'predict'
              ? t('Predictions appear here when the job has finished.')
              : t('The exported model appears here when the job has finished.')}
        </p>
      </div>
    )
  }
  const file = artifacts.find(({ id }) => id === result.artifactId)
  return (
    <div id="job-result">
      <dl class="tiles">
        {result.operation === 'predict' ? (
          <PredictTiles result={result} />
        ) : (
          <ExportTiles result={result} file={file} />
        )}
      </dl>
      {result.artifactId !== undefined && (
        <p class="result-file">
          <a class="download" href={artifactPath(job, result.artifactId)} download={file?.name ?? ''}>
            {result.operation === 'predict' ? t('Download predictions') : t('Download model')}
          </a>
          {file !== undefined && (
            <span class="muted">
              <bdi>{file.name}</bdi>
              {' · '}
              {formatBytes(file.sizeBytes)}
            </span>
          )}
        </p>
      )}
      {result.operation === 'export' && <Metadata metadata={result.metadata} />}
    </div>
  )
}

const isOver = (job: Job): boolean => job.finishedAt !== undefined

type Result<Operation> = Extract<NonNullable<Job['result']>, { operation: Operation }>

function PredictTiles({ result }: { result: Result<'predict'> }) {
  const { imageCount, avgInferenceTimeMs: average, totalInferenceTimeMs: total } = result
  return (
    <>
      <Tile name={t('images')} primary>
        {formatCount(imageCount)}
      </Tile>
      {average !== undefined && <Tile name={t('per image')}>{formatMilliseconds(average)}</Tile>}
      {total !== undefined && <Tile name={t('in total')}>{formatMilliseconds(total)}</Tile>}
    </>
  )
}

function ExportTiles({ result, file }: { result: Result<'export'>; file: PageArtifact | undefined }) {
  return (
    <>
      <Tile name={t('format')} primary>
        {result.format}
      </Tile>
      {file !== undefined && <Tile name={t('size')}>{formatBytes(file.sizeBytes)}</Tile>}
    </>
  )
}

function Tile({ name, primary = false, children }: { name: string; primary?: boolean; children: Child }) {
  return (
    <div class={primary ? 'tile primary' : 'tile'}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** Metadata that the trainer reported, shown as it is. */
function Metadata({ metadata = {} }: { metadata: Record<string, unknown> | undefined }) {
  const entries = Object.entries(metadata)
  if (entries.length === 0) return null
  return (
    <dl class="side-facts result-facts">
      {entries.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{typeof value === 'string' ? value : <code>{JSON.stringify(value)}</code>}</dd>
        </>
      ))}
    </dl>
  )
}

/** Three significant digits of milliseconds below one second. */
function formatMilliseconds(ms: number): string {
  return ms >= 1000 ? formatDuration(ms) : `${Number(ms.toPrecision(3))} ms`
}
