import type { Job, ResourceSample, ResourceSampleList } from '@trainyard/contract'
import { formatDuration } from '../format.ts'
import { t } from '../words/t.ts'
import type { ChartPoint, ChartSeries } from './chart-groups.ts'
import { StaticChart } from './charts.tsx'

/** What the processes of the job's attempt used over time. Replaced as a whole while the job runs. */
export function JobResources({ job, resources }: { job: Job; resources: ResourceSampleList | undefined }) {
  const charts = resources === undefined ? [] : toCharts(resources, job.createdAt)
  if (charts.length === 0) return <div id="job-resources" hidden />
  return (
    <section id="job-resources" class="chart-section" aria-labelledby="resources">
      <h2 id="resources">{t('Resources')}</h2>
      <div class="chart-grid">
        {charts.map(({ title, series }) => (
          <figure class="chart">
            <figcaption>{title}</figcaption>
            <StaticChart
              label={t('{title} over time, at most {most}', { title, most: mostOf(series) })}
              unit={t('seconds')}
              fromZero
              lines={[{ run: 0, series }]}
            />
          </figure>
        ))}
      </div>
      {resources?.cpuSeconds !== undefined && (
        <p class="muted">{t('CPU time: {time}', { time: formatDuration(resources.cpuSeconds * 1000) })}</p>
      )}
    </section>
  )
}

const GB = 1e9

/** One chart for each figure that was measured at least twice. */
function toCharts({ samples }: ResourceSampleList, since: string): { title: string; series: ChartSeries }[] {
  const begin = Date.parse(samples[0]?.time ?? since)
  const chart = (title: string, figureOf: (sample: ResourceSample) => number | undefined) => {
    const points = samples.flatMap((sample): ChartPoint[] => {
      const value = figureOf(sample)
      const seconds = Math.round((Date.parse(sample.time) - begin) / 1000)
      return value === undefined ? [] : [[seconds, value, seconds]]
    })
    const series: ChartSeries = { name: title, axis: 'step', points }
    return { title, series }
  }
  return [
    chart(t('CPU cores'), ({ cpuCores }) => cpuCores),
    chart(t('Memory, GB'), ({ memoryBytes }) => memoryBytes && memoryBytes / GB),
    chart(t('GPU utilisation, %'), ({ gpuPercent }) => gpuPercent),
    chart(t('GPU memory, GB'), ({ gpuMemoryBytes }) => gpuMemoryBytes && gpuMemoryBytes / GB),
  ].filter(({ series }) => series.points.length > 1)
}

const mostOf = ({ points }: ChartSeries): string =>
  Math.max(...points.map(([, value]) => value ?? 0)).toLocaleString('en', { maximumFractionDigits: 2 })
