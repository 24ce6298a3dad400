import { type Job, type PredictedObject, PredictionEvent, type StoredEvent } from '@trainyard/contract'
import { formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'
import { shapesOf } from './shapes.ts'

export interface ImagePredictions {
  imageName: string
  objects: PredictedObject[]
  /** Why the image could not be predicted. */
  error?: string | undefined
}

/** Objects drawn on a picture, and listed below it. */
const OBJECTS_DRAWN = 200
const OBJECTS_LISTED = 8

/** The predictions among stored events. Those that do not parse are left out. */
export function readPredictions(events: readonly StoredEvent[]): ImagePredictions[] {
  return events.flatMap(({ body, rejected }) => {
    const parsed = rejected === undefined ? PredictionEvent.safeParse(body) : undefined
    if (!parsed?.success) return []
    const { imageName, predictions: objects, error } = parsed.data
    return [{ imageName, objects, error }]
  })
}

interface PredictionGridProps {
  job: Job
  attempt: number
  predictions: readonly ImagePredictions[]
}

/** Pictures with what was found in them drawn on top. Scripts fit the drawing to the size of the picture. */
export function PredictionGrid({ job, attempt, predictions }: PredictionGridProps) {
  return (
    <div class="pictures predictions">
      {predictions.map(({ imageName, objects, error }) => (
        <figure>
          <div class="picture">
            {pictureOf(job, attempt, imageName) !== undefined && (
              <img
                src={pictureOf(job, attempt, imageName)}
                alt={imageName}
                loading="lazy"
                decoding="async"
                data-drawn=""
              />
            )}
            <Overlay objects={objects} />
          </div>
          <figcaption>
            <bdi>{imageName}</bdi>
            {error === undefined ? <Objects objects={objects} /> : <p class="muted">{error}</p>}
          </figcaption>
        </figure>
      ))}
    </div>
  )
}

/** Of the dataset, or one that a person sent: its name begins with its artifact. */
function pictureOf(job: Job, attempt: number, imageName: string): string | undefined {
  if (job.dataset !== undefined)
    return withQuery(`/jobs/${job.id}/predictions/picture`, { path: imageName, attempt: String(attempt) })
  const sent = /^(art_\w+)\.\w+$/.exec(imageName)?.[1]
  return sent === undefined ? undefined : `/jobs/${job.id}/artifacts/${sent}/picture`
}

function Overlay({ objects }: { objects: ImagePredictions['objects'] }) {
  return (
    <svg class="overlay" aria-hidden="true" preserveAspectRatio="none">
      {objects.slice(0, OBJECTS_DRAWN).map((object) => (
        <g class={`line-${object.classId % 6}`}>
          <title>{`${object.className} ${percent(object.confidence)}`}</title>
          {shapesOf(object).map((shape) => {
            if (shape.kind === 'box')
              return (
                <rect
                  x={String(shape.x)}
                  y={String(shape.y)}
                  width={String(shape.width)}
                  height={String(shape.height)}
                />
              )
            if (shape.kind === 'polygon') return <polygon class="mask" points={shape.points} />
            return shape.points.map(([x, y]) => <path class="keypoint" d={`M${x} ${y}h0`} />)
          })}
        </g>
      ))}
    </svg>
  )
}

/** The surest ones, in words: a picture alone is nothing to people who do not see it. */
function Objects({ objects }: { objects: ImagePredictions['objects'] }) {
  if (objects.length === 0) return <p class="muted">{t('nothing found')}</p>
  const surestFirst = [...objects].sort((a, b) => b.confidence - a.confidence)
  const rest = objects.length - OBJECTS_LISTED
  return (
    <ul class="found">
      {surestFirst.slice(0, OBJECTS_LISTED).map(({ classId, className, confidence }) => (
        <li class={`line-${classId % 6}`}>
          <bdi>{className}</bdi> <span class="muted">{percent(confidence)}</span>
        </li>
      ))}
      {rest > 0 && <li class="muted">{plural(rest, '{count} more object', '{count} more objects')}</li>}
    </ul>
  )
}

const percent = (share: number): string => `${formatCount(Math.round(share * 100))} %`
