import type { Prediction } from '@trainyard/contract'
import { formatBytes, formatCount } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { DrawnObjects, ObjectList } from './found-objects.tsx'

export const checkpointPath = (jobId: number, checkpoint: string): string =>
  `/predict/${jobId}/${encodeURIComponent(checkpoint)}`

interface ShownTryProps {
  /** The address of the page of the checkpoint. */
  base: string
  prediction: Prediction
  threshold: number
}

/** A picture with what was found in it. While it waits, scripts ask for this part again. */
export function ShownTry({ base, prediction, threshold }: ShownTryProps) {
  const { id, state, picture, objects = [], error, inferenceTimeMs } = prediction
  const path = `${base}/tries/${encodeURIComponent(id)}`
  return (
    <section id="try" class="try" aria-labelledby="try-title" data-state={state} data-part={`${path}/part`}>
      <h2 id="try-title">
        <bdi>{picture.name}</bdi>
      </h2>
      <div class="try-columns">
        <div class="picture try-picture">
          <img
            src={`${path}/picture`}
            alt={picture.name}
            width={picture.width}
            height={picture.height}
            decoding="async"
          />
          {state === 'done' && (
            <DrawnObjects objects={objects} threshold={threshold} width={picture.width} height={picture.height} />
          )}
        </div>
        <div class="try-result">
          {state === 'waiting' && <Waiting prediction={prediction} base={base} />}
          {state === 'failed' && (
            <p class="form-problem" role="alert">
              {error}
            </p>
          )}
          {state === 'done' && <ObjectList objects={objects} threshold={threshold} />}
          <p class="muted">
            {t('{width} × {height} px · {size}', {
              width: formatCount(picture.width),
              height: formatCount(picture.height),
              size: formatBytes(picture.sizeBytes),
            })}
            {inferenceTimeMs !== undefined &&
              ` · ${t('predicted in {inferenceTimeMs} ms', { inferenceTimeMs: formatCount(Math.round(inferenceTimeMs)) })}`}
            {' ·'} <a href={`/jobs/${prediction.job.id}`}>{t('job {id}', { id: prediction.job.id })}</a>
          </p>
          {state === 'done' && (
            <p>
              <a class="button" href={`${path}/json`} download={`${picture.name}.json`}>
                {t('Download as JSON')}
              </a>
            </p>
          )}
        </div>
      </div>
    </section>
  )
}

function Waiting({ prediction, base }: { prediction: Prediction; base: string }) {
  const text =
    prediction.job.state === 'running'
      ? t('The trainer predicts this picture …')
      : t('The trainer is started as soon as a slot is free. The first picture takes longer; the next ones are quick.')
  return (
    <div role="status">
      <p>{text}</p>
      <noscript>
        <p>
          <Sentence
            text="{link} to see the result."
            link={<a href={`${base}?try=${encodeURIComponent(prediction.id)}`}>{t('Reload this page')}</a>}
          />
        </p>
      </noscript>
    </div>
  )
}
