import { type ArtifactList, isTerminalJobState, type Job } from '@trainyard/contract'
import { RelativeTime } from '../components/time.tsx'
import { formatBytes, plural } from '../format.ts'
import { t } from '../words/t.ts'
import { groupArtifacts } from './artifact-groups.ts'

export type PageArtifact = Omit<ArtifactList['artifacts'][number], 'url'>

/** Files shown without a click. */
const FILES_SHOWN = 6

export const artifactPath = (job: Pick<Job, 'id'>, artifactId: string): string =>
  `/jobs/${job.id}/artifacts/${encodeURIComponent(artifactId)}`

interface JobArtifactsProps {
  job: Job
  artifacts: readonly PageArtifact[]
  now: Date
}

/** The files of a job: the best and the last checkpoint first; the other checkpoints, and many files, are folded. */
export function JobArtifacts({ job, artifacts, now }: JobArtifactsProps) {
  if (artifacts.length === 0)
    return (
      <div id="job-artifacts">
        <p class="muted">{emptyText(job)}</p>
      </div>
    )
  const { best, last, otherCheckpoints, files } = groupArtifacts(job, artifacts)
  const moreFiles = files.slice(FILES_SHOWN)
  const list = { job, now }
  return (
    <div id="job-artifacts">
      <Files
        {...list}
        artifacts={[best, last].filter((one) => one !== undefined)}
        mark={(one) => (one === best ? t('Best') : t('Last'))}
      />
      <FoldedFiles
        {...list}
        artifacts={otherCheckpoints}
        summary={plural(otherCheckpoints.length, '{count} more checkpoint', '{count} more checkpoints')}
      />
      <Files {...list} artifacts={files.slice(0, FILES_SHOWN)} />
      <FoldedFiles
        {...list}
        artifacts={moreFiles}
        summary={plural(moreFiles.length, '{count} more file', '{count} more files')}
      />
    </div>
  )
}

function emptyText(job: Job): string {
  if (isTerminalJobState(job.state)) return t('The job saved no files.')
  return job.operation === 'train'
    ? t('Checkpoints and other files appear here as they are saved.')
    : t('Files appear here as they are saved.')
}

interface FilesProps extends JobArtifactsProps {
  mark?: (artifact: PageArtifact) => string
}

function FoldedFiles({ summary, ...files }: FilesProps & { summary: string }) {
  if (files.artifacts.length === 0) return null
  return (
    <details class="more-files">
      <summary>{summary}</summary>
      <Files {...files} />
    </details>
  )
}

function Files({ job, artifacts, now, mark }: FilesProps) {
  if (artifacts.length === 0) return null
  return (
    <ul class="artifacts">
      {artifacts.map((artifact) => (
        <li>
          <span>
            {mark !== undefined && <strong class="artifact-mark">{mark(artifact)}</strong>}{' '}
            <a href={artifactPath(job, artifact.id)} download={artifact.name}>
              <bdi>{artifact.name}</bdi>
            </a>
            {artifact.kind === 'checkpoint' && (
              <a class="try-link" href={`/predict/${job.id}/${encodeURIComponent(artifact.id)}`}>
                {t('Try it')}
              </a>
            )}
          </span>
          <span class="muted">
            {artifact.kind}
            {artifact.epoch !== undefined && ` · ${t('epoch {epoch}', { epoch: artifact.epoch })}`}
            {job.attempt > 1 && ` · ${t('attempt {attempt}', { attempt: artifact.attempt })}`}
            {' · '}
            {formatBytes(artifact.sizeBytes)}
            {' ·'} <RelativeTime at={artifact.createdAt} now={now} />
          </span>
        </li>
      ))}
    </ul>
  )
}
