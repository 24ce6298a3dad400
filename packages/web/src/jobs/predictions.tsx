import { type Job, type PredictedObject, PredictionEvent, type StoredEvent } from '@trainyard/contract'
import { formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { shapesOf } from './shapes.ts'

export interface ImagePredictions {
  imageName: string
  objects: PredictedObject[]
}

/** Objects drawn on a picture, and listed below it. */
const OBJECTS_DRAWN = 200
const OBJECTS_LISTED = 8

/** The predictions among stored events. Those that do not parse are left out. */
export function readPredictions(events: readonly StoredEvent[]): ImagePredictions[] {
  return events.flatMap(({ body, rejected }) => {
    const parsed = rejected === undefined ? PredictionEvent.safeParse(body) : undefined
    return parsed?.success ? [{ imageName: parsed.data.imageName, objects: parsed.data.predictions }] : []
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
      {predictions.map(({ imageName, objects }) => (
        <figure>
          <div class="picture">
            {job.dataset !== undefined && (
              <img
                src={withQuery(`/jobs/${job.id}/predictions/picture`, { path: imageName, attempt: String(attempt) })}
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
            <Objects objects={objects} />
          </figcaption>
        </figure>
      ))}
    </div>
  )
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
  if (objects.length === 0) return <p class="muted">nothing found</p>
  const surestFirst = [...objects].sort((a, b) => b.confidence - a.confidence)
  const rest = objects.length - OBJECTS_LISTED
  return (
    <ul class="found">
      {surestFirst.slice(0, OBJECTS_LISTED).map(({ classId, className, confidence }) => (
        <li class={`line-${classId % 6}`}>
          <bdi>{className}</bdi> <span class="muted">{percent(confidence)}</span>
        </li>
      ))}
      {rest > 0 && <li class="muted">{plural(rest, 'more object')}</li>}
    </ul>
  )
}

const percent = (share: number): string => `${formatCount(Math.round(share * 100))} %`
