import { type Job, MAX_PICTURE_BYTES } from '@trainyard/contract'
import { plural } from '../format.ts'
import { t } from '../words/t.ts'
import { artifactPath, type PageArtifact } from './job-artifacts.tsx'

/** Plots shown without a click. */
const PLOTS_SHOWN = 6

/** Whether a file is probably a picture. The address that serves it checks the bytes. */
export function isPicture({ kind, name, contentType, sizeBytes }: PageArtifact): boolean {
  if (sizeBytes > MAX_PICTURE_BYTES || (kind !== 'plot' && kind !== 'prediction')) return false
  if (/^image\/(?:png|jpeg|gif|webp)$/.test(contentType)) return true
  // Stored before files had the type of their content.
  return contentType === 'application/octet-stream' && /\.(?:png|jpe?g|gif|webp)$/i.test(name)
}

/** The plots that a trainer drew, newest first. */
export function JobPlots({ job, artifacts }: { job: Job; artifacts: readonly PageArtifact[] }) {
  const plots = artifacts.filter(isPicture).toReversed()
  if (plots.length === 0) return <div id="job-plots" hidden />
  const first = plots.slice(0, PLOTS_SHOWN)
  const rest = plots.slice(PLOTS_SHOWN)
  return (
    <section id="job-plots" aria-labelledby="plots">
      <h2 id="plots">{t('Plots')}</h2>
      <Plots job={job} plots={first} />
      {rest.length > 0 && (
        <details class="more-files">
          <summary>{plural(rest.length, '{count} more plot', '{count} more plots')}</summary>
          <Plots job={job} plots={rest} />
        </details>
      )}
    </section>
  )
}

function Plots({ job, plots }: { job: Job; plots: readonly PageArtifact[] }) {
  return (
    <div class="pictures">
      {plots.map((plot) => (
        <figure>
          <a href={`${artifactPath(job, plot.id)}/picture`}>
            <img src={`${artifactPath(job, plot.id)}/picture`} alt={plot.name} loading="lazy" decoding="async" />
          </a>
          <figcaption>
            <bdi>{plot.name}</bdi>
            {plot.epoch !== undefined && <span class="muted"> · {t('epoch {epoch}', { epoch: plot.epoch })}</span>}
          </figcaption>
        </figure>
      ))}
    </div>
  )
}
